"""The seams into python-socketio, python-engineio and uvicorn: sockets that cost no task, queue or timer of their own.

python-engineio keeps the handshake, long-polling and upgrades, python-socketio namespaces and rooms. Once a WebSocket
is open its bytes are read and written here.
"""
