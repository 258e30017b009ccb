"""Keeps `cdktf_cdktf_provider_aws` from importing all of its 2,100 submodules.

The package's `__init__` imports every submodule, some 13 seconds and 500 MB each time, of which TAP needs thirty
(https://github.com/hashicorp/terraform-cdk/issues/3753). `install()` puts an empty parent package with the
real `__path__` in its place, so that Python imports just the submodules that are asked for. What is synthesized
stays the same to the byte (`tests/unit/test_lazy_bindings.py`).
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from pathlib import Path

PACKAGE = "cdktf_cdktf_provider_aws"


def install() -> bool:
    """Make the provider's submodules importable one by one; to be called before the first import of any.

    Returns False, and leaves the plain import in place, if the package is already imported or does not look as
    expected: each submodule in a folder of its own, beside the `_jsii` that loads the provider's types.
    """
    spec = find_spec(PACKAGE) if PACKAGE not in sys.modules else None
    if spec is None or not spec.submodule_search_locations:
        return False
    if not all(
        (Path(spec.submodule_search_locations[0]) / name / "__init__.py").is_file() for name in ("_jsii", "provider")
    ):
        return False
    parent = ModuleSpec(PACKAGE, loader=None, is_package=True)
    parent.submodule_search_locations = spec.submodule_search_locations
    sys.modules[PACKAGE] = module_from_spec(parent)
    return True
