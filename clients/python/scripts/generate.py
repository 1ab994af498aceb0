"""Writes what comes of proto/: the stubs in src/holdfast/v1, and a class for each reason in src/holdfast/_reasons.py.

    python scripts/generate.py           # needs the dev dependencies: pip install -e '.[dev]'
    python scripts/generate.py --check   # changes nothing; ends with 1 if something would change

The stubs lie where protoc's imports look for them, so nothing has to be rewritten. The rules of buf/validate are left
out of them: the server judges, and a client that brought them along could not live beside another package that does.
"""

from __future__ import annotations

import argparse
import filecmp
import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent.parent
PROTO = HERE.parent.parent / "proto"
PACKAGE = HERE / "src" / "holdfast"
FILES = ["holdfast/v1/errors.proto", "holdfast/v1/tenant.proto", "holdfast/v1/idempotency.proto"]
VALIDATE = "buf/validate/validate.proto"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; end with 1 if something would change")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        made = make(Path(scratch))
        stale = [name for name, path in made.items() if not is_same(path, PACKAGE / name)]
        for name in [] if options.check else stale:
            (PACKAGE / name).parent.mkdir(parents=True, exist_ok=True)
            (PACKAGE / name).write_bytes(made[name].read_bytes())
    for name in stale:
        sys.stdout.write(f"{'stale' if options.check else 'written'}: {PACKAGE / name}\n")
    return 1 if options.check and stale else 0


def make(scratch: Path) -> dict[str, Path]:
    """Each file by its name in the package."""
    descriptors = scratch / "descriptors"
    run(
        f"-I{PROTO}",
        f"-I{files('grpc_tools') / '_proto'}",
        "--include_imports",
        f"--descriptor_set_out={descriptors}",
        *FILES,
    )
    descriptors.write_bytes(without_rules(FileDescriptorSet.FromString(descriptors.read_bytes())).SerializeToString())
    out = f"{scratch / 'out'}"
    Path(out).mkdir()
    plugins = [f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}"]
    run(f"--descriptor_set_in={descriptors}", *plugins, *FILES)
    written = {str(path.relative_to(Path(out) / "holdfast")): path for path in sorted(Path(out).rglob("*.py*"))}
    # Only one of the files has a service.
    kept = {
        name: path for name, path in written.items() if not (name.endswith("_grpc.py") and "idempotency" not in name)
    }
    reasons = scratch / "_reasons.py"
    reasons.write_text(reasons_module((PROTO / "holdfast/v1/errors.proto").read_text()))
    package = scratch / "__init__.py"
    package.write_text('"""The messages of holdfast.v1 and the stub of its service, as protoc makes them."""\n')
    return {**kept, "v1/__init__.py": package, "_reasons.py": reasons}


def run(*arguments: str) -> None:
    if protoc.main(["protoc", *arguments]) != 0:
        raise SystemExit(f"protoc {' '.join(arguments)} has failed")


def without_rules(files: FileDescriptorSet) -> FileDescriptorSet:
    kept = FileDescriptorSet()
    for file in files.file:
        if file.name == VALIDATE:
            continue
        if file.name in FILES:
            strip(file)
        kept.file.append(file)
    return kept


def strip(file: FileDescriptorProto) -> None:
    """Nothing in these files has another option on a field or a oneof than the rules."""
    if VALIDATE in file.dependency:
        file.dependency.remove(VALIDATE)
    messages = list(file.message_type)
    while messages:
        message = messages.pop()
        messages.extend(message.nested_type)
        for part in [*message.field, *message.oneof_decl]:
            part.ClearField("options")


REASON = re.compile(r"((?:  //[^\n]*\n)+)  ERROR_REASON_(\w+) = \d+;")


def reasons_module(proto: str) -> str:
    found = [(name, " ".join(re.findall(r"// ?(.*)", comment))) for comment, name in REASON.findall(proto)]
    classes = [f'class {class_name(name)}(HoldfastError):\n    """{wrap(text)}"""\n' for name, text in found]
    table = "".join(f'    "{name}": {class_name(name)},\n' for name, _ in found)
    return "\n\n".join([HEADER, *classes, f"REASONS: dict[str, type[HoldfastError]] = {{\n{table}}}\n"])


def class_name(reason: str) -> str:
    return "".join(part.capitalize() for part in reason.split("_")) + "Error"


def wrap(text: str, width: int = 110) -> str:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    text = "\n    ".join(lines)
    return text if len(lines) == 1 else f"\n    {text}\n    "


HEADER = '''"""One class for each reason of holdfast.v1.ErrorReason. Made by scripts/generate.py: do not edit."""

from ._errors import HoldfastError
'''


def is_same(made: Path, there: Path) -> bool:
    return there.exists() and filecmp.cmp(made, there, shallow=False)


if __name__ == "__main__":
    sys.exit(main())
