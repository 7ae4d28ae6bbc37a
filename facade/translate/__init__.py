"""Between proto messages and JSON, compiled from descriptors when a type is first asked for.

The JSON is the proto's own with snake_case names, and stricter: zero values are printed, what is absent is null, the
members of a oneof appear only when set, enums are lower-case short names, and 64-bit integers are numbers.
"""

from facade.translate.decode import Decoder
from facade.translate.encode import Encoder
from facade.translate.violations import Violations

__all__ = ["Decoder", "Encoder", "Violations"]
