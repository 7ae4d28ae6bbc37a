"""What `mesh.database` stands on: engines with bounds, migrations, and what the errors of drivers mean."""
