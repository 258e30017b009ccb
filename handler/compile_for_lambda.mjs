// Compiles the Python files below a folder with Python 3.13, Lambda's, whichever Python this machine has:
// `node handler/compile_for_lambda.mjs <folder>`. The byte code is the same wherever it is made.

import { loadPyodide } from "pyodide";

const PYTHON = "3.13";

const python = await loadPyodide();
python.FS.mkdir("/package");
python.mountNodeFS("/package", process.argv[2]);
python.globals.set("wanted", PYTHON);
python.runPython(`
import compileall, py_compile, sys

assert sys.version.startswith(wanted), sys.version
compiled = compileall.compile_dir(
    "/package",
    quiet=1,
    # Stack traces name the file as Lambda has it.
    stripdir="/package",
    prependdir="/var/task",
    # Not by the time of the source, which is none in the package.
    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
)
if not compiled:
    raise SystemExit("not every file can be compiled")
`);
