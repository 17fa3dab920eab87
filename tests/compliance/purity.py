"""No file but those of config/ reads the environment, and core/ asks nobody for time, chance or files."""

import ast
from collections.abc import Iterator

from tests.compliance.sources import Finding, Source

# Rooms that may set variables for the libraries and processes that they start.
SETTERS = ("deployments", "demo", "evals")
READERS = ("getenv", "getenvb", "environ", "environb")
# Calls by their last two names. hash() of a string differs from one process to the next.
IMPURE = {
    "datetime.now": "Take the time as an argument.",
    "datetime.utcnow": "Take the time as an argument.",
    "datetime.today": "Take the time as an argument.",
    "date.today": "Take the time as an argument.",
    "uuid.uuid1": "Derive ids from content: uuid5 or a hash of hashlib.",
    "uuid.uuid4": "Derive ids from content: uuid5 or a hash of hashlib.",
    "hash": "It is salted in each process. Use hashlib.",
    "open": "Take the text as an argument.",
    "input": "Take the text as an argument.",
    "print": "Return the text.",
}
MAKE_IT_A_SETTING = "make it a setting, and take the value as an argument."
IMPURE_METHODS = ("read_text", "read_bytes", "write_text", "write_bytes")


def dotted(node: ast.expr) -> str:
    """`a.b.c` as written, or nothing where the expression is no plain name."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return node.id if isinstance(node, ast.Name) else ""


def environment_read_in_config_only(source: Source) -> Iterator[Finding]:
    """`os.environ` and its kin are read in config/ and tests alone; deployments may set variables for libraries."""
    if source.room in ("config", "tests"):
        return
    set_here = set(_set_variables(source.tree)) if source.room in SETTERS else set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in READERS and dotted(node.value) == "os":
            if id(node) not in set_here:
                yield Finding(source.path, node.lineno, f"reads os.{node.attr}: {MAKE_IT_A_SETTING}")
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            for name in (alias.name for alias in node.names if alias.name in READERS):
                yield Finding(source.path, node.lineno, f"reads os.{name}: {MAKE_IT_A_SETTING}")


def _set_variables(tree: ast.Module) -> Iterator[int]:
    """The ids of the `os.environ` nodes that are only written to: `os.environ[x] = y` and `.setdefault(x, y)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            yield id(node.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            function = node.value.func
            if isinstance(function, ast.Attribute) and function.attr in ("setdefault", "update", "pop"):
                yield id(function.value)


def core_is_pure(source: Source) -> Iterator[Finding]:
    """core/ takes time, chance and text as arguments."""
    if source.room != "core":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and (advice := _impurity(node)):
            yield Finding(source.path, node.lineno, f"calls {ast.unparse(node.func)}(). {advice}")


def _impurity(call: ast.Call) -> str:
    """What to do instead of an impure call; nothing for one that is pure as far as can be seen."""
    name = dotted(call.func)
    maker = name.split(".")[-1] in ("default_rng", "Random", "SeedSequence")
    draws = not maker and name.startswith(("random.", "secrets.", "np.random.", "numpy.random."))
    if draws or (maker and not call.args and not call.keywords):
        return "Take a random generator as an argument."
    if isinstance(call.func, ast.Attribute) and call.func.attr in IMPURE_METHODS:
        return "Take the text as an argument."
    return IMPURE.get(".".join(name.split(".")[-2:]), "")
