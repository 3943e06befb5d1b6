"""What is to be known of each language, as data: one row each, by LSP's language identifiers.

A row says how comments, strings and blocks look, so that questions can be answered by lines and brackets
alone; ten of them also name a grammar, and the kinds of its nodes that mean something to us.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Blocks = Literal["indentation", "braces", "words"]


class Quotes(NamedTuple):
    """How a string begins and ends; `lines` where it may go over several."""

    begin: str
    end: str
    lines: bool = False
    escape: str = "\\"


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of a grammar's nodes. What stands at the top level inside one of the `open` ones counts
    as top-level; the code inside a string is in one of the `embedded`; a `wrappers` node begins a
    definition before its own first word (a decorator, `export`, `template`)."""

    functions: frozenset[str]
    classes: frozenset[str]
    blocks: frozenset[str]
    strings: frozenset[str]
    comments: frozenset[str]
    imports: frozenset[str]
    names: frozenset[str]
    types: frozenset[str] = frozenset()
    constants: frozenset[str] = frozenset()
    implementations: frozenset[str] = frozenset()
    embedded: frozenset[str] = frozenset()
    wrappers: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Grammar:
    """Where a grammar comes from: a function of a module."""

    module: str
    function: str = "language"


@dataclass(frozen=True, slots=True)
class Language:
    """How texts of a language look.

    `indent` is a level's indentation where the text itself shows none. The headers are regular
    expressions for the line on which a definition begins, with its name in a group. `block_words` are
    those that a block's header begins with, `continues` those with which a line goes on with the
    statement whose block was closed above it. A `literal` is what looks like a bracket or a quote and
    is none: a character, a regular expression.
    """

    suffixes: tuple[str, ...] = ()
    line_comments: tuple[str, ...] = ()
    block_comments: tuple[tuple[str, str], ...] = ()
    quotes: tuple[Quotes, ...] = (Quotes('"', '"'), Quotes("'", "'"))
    blocks: Blocks = "indentation"
    indent: str = "    "
    function_header: str = ""
    class_header: str = ""
    import_line: str = ""
    literal: str = ""
    block_words: tuple[str, ...] = ()
    continues: tuple[str, ...] = ()
    keywords: frozenset[str] = frozenset()
    grammar: Grammar | None = None
    kinds: Kinds | None = None


def language_of(suffix: str) -> str:
    """The language identifier for a file's suffix; `plaintext` for those of which nothing is known."""
    return _BY_SUFFIX.get(suffix.lower(), "plaintext")


def row(language: str) -> Language:
    """What is known of a language; for any other text, what is true of most."""
    return LANGUAGES.get(language, DEFAULT)


def _words(words: str) -> frozenset[str]:
    return frozenset(words.split())


_C_COMMENTS = (("/*", "*/"),)
_C_QUOTES = (Quotes('"', '"'), Quotes("'", "'"))
_JAVASCRIPT_QUOTES = (*_C_QUOTES, Quotes("`", "`", lines=True))
_PYTHON_QUOTES = (
    Quotes('"""', '"""', lines=True),
    Quotes("'''", "'''", lines=True),
    *_C_QUOTES,
)
# A name, a list of parameters and a brace, where the name is no word of control flow.
_C_FUNCTION = (
    r"^[ \t]*(?!(?:if|for|while|switch|catch|return|else|do|new|throw|await|function)\b)"
    r"[\w:<>*&~,\[\] \t@]*?(?P<name>~?[\w$#]+)[ \t]*\([^;]*$"
)

# 1'000'000 holds no character.
_C_NUMBER = r"\b\d[\w']*"

_PYTHON = Language(
    suffixes=(".py", ".pyi", ".pyw"),
    line_comments=("#",),
    quotes=_PYTHON_QUOTES,
    function_header=r"^[ \t]*(?:async[ \t]+)?def[ \t]+(?P<name>\w+)",
    class_header=r"^[ \t]*class[ \t]+(?P<name>\w+)",
    import_line=r"^(?:import|from)[ \t]",
    block_words=(
        "def", "class", "if", "elif", "else", "for", "while", "try", "except", "finally", "with",
        "match", "case", "async",
    ),
    continues=("elif", "else", "except", "finally", "case"),
    keywords=_words(
        "False None True and as assert async await break class continue def del elif else except"
        " finally for from global if import in is lambda nonlocal not or pass raise return try while"
        " with yield"
    ),
    grammar=Grammar("tree_sitter_python"),
    kinds=Kinds(
        functions=_words("function_definition"),
        classes=_words("class_definition"),
        blocks=_words("block"),
        strings=_words("string"),
        comments=_words("comment"),
        imports=_words("import_statement import_from_statement future_import_statement"),
        names=_words("identifier"),
        types=_words("type_alias_statement"),
        constants=_words("assignment"),
        embedded=_words("interpolation"),
        wrappers=_words("decorated_definition"),
        open=_words(
            "expression_statement if_statement else_clause try_statement except_clause block"
            " decorated_definition"
        ),
    ),
)  # fmt: skip

_JAVASCRIPT_KINDS = Kinds(
    functions=_words(
        "function_declaration generator_function_declaration function_expression generator_function"
        " arrow_function method_definition"
    ),
    classes=_words("class_declaration class"),
    blocks=_words("statement_block class_body switch_body"),
    strings=_words("string template_string regex"),
    comments=_words("comment html_comment"),
    imports=_words("import_statement"),
    names=_words(
        "identifier property_identifier private_property_identifier shorthand_property_identifier"
        " shorthand_property_identifier_pattern"
    ),
    constants=_words("variable_declarator"),
    embedded=_words("template_substitution"),
    wrappers=_words("export_statement"),
    open=_words("export_statement lexical_declaration variable_declaration"),
)
_JAVASCRIPT = Language(
    literal=r"(?<=[=(,:!&|?{};\n ])/(?![*/ ])(?:\\.|\[(?:\\.|[^\]\n\\])*\]|[^/\\\n\[])+/",
    suffixes=(".js", ".mjs", ".cjs"),
    line_comments=("//",),
    block_comments=_C_COMMENTS,
    quotes=_JAVASCRIPT_QUOTES,
    blocks="braces",
    indent="  ",
    function_header=(
        r"^[ \t]*(?:(?:export|default|async)[ \t]+)*(?:function\b[ \t*]*(?P<name>[\w$]+)?"
        r"|(?:const|let|var)[ \t]+(?P<variable>[\w$]+)[^=;]*=[^;]*(?:=>[ \t]*\{?$|function\b)"
        r"|(?:(?:static|async|get|set|public|private|protected|readonly|override|abstract)[ \t]+)*"
        r"(?!(?:if|for|while|switch|catch|return|with|do|else)\b)(?P<method>[\w$#]+)[ \t]*\([^;]*\{$)"
    ),
    class_header=(
        r"^[ \t]*(?:(?:export|default|abstract|declare)[ \t]+)*"
        r"(?:class|interface|enum|namespace|module)[ \t]+(?P<name>[\w$]+)"
    ),
    import_line=r"^import\b",
    continues=("else", "catch", "finally", "while"),
    keywords=_words(
        "abstract any as async await boolean break case catch class const continue debugger declare"
        " default delete do else enum export extends false finally for from function if implements"
        " import in instanceof interface let namespace new null number of private protected public"
        " readonly return static string super switch this throw true try type typeof undefined var"
        " void while with yield"
    ),
    grammar=Grammar("tree_sitter_javascript"),
    kinds=_JAVASCRIPT_KINDS,
)
_TYPESCRIPT_KINDS = Kinds(
    functions=_JAVASCRIPT_KINDS.functions
    | _words("function_signature method_signature abstract_method_signature"),
    classes=_JAVASCRIPT_KINDS.classes
    | _words(
        "abstract_class_declaration interface_declaration enum_declaration internal_module module"
    ),
    blocks=_JAVASCRIPT_KINDS.blocks | _words("interface_body enum_body object_type"),
    strings=_JAVASCRIPT_KINDS.strings,
    comments=_JAVASCRIPT_KINDS.comments,
    imports=_JAVASCRIPT_KINDS.imports | _words("import_alias"),
    names=_JAVASCRIPT_KINDS.names | _words("type_identifier"),
    types=_words("type_alias_declaration"),
    constants=_JAVASCRIPT_KINDS.constants,
    embedded=_JAVASCRIPT_KINDS.embedded,
    wrappers=_JAVASCRIPT_KINDS.wrappers | _words("ambient_declaration"),
    open=_JAVASCRIPT_KINDS.open
    | _words("ambient_declaration internal_module module statement_block expression_statement"),
)


def _like_javascript(suffixes: tuple[str, ...], grammar: Grammar, kinds: Kinds) -> Language:
    js = _JAVASCRIPT
    return Language(
        suffixes, js.line_comments, js.block_comments, js.quotes, js.blocks, js.indent,
        js.function_header, js.class_header, js.import_line, js.literal, js.block_words, js.continues,
        js.keywords, grammar, kinds,
    )  # fmt: skip


_JAVA = Language(
    suffixes=(".java",),
    line_comments=("//",),
    block_comments=_C_COMMENTS,
    quotes=(Quotes('"""', '"""', lines=True), *_C_QUOTES),
    blocks="braces",
    function_header=_C_FUNCTION,
    class_header=(
        r"^[ \t]*(?:[\w@]+[ \t]+)*?(?:class|interface|enum|record|@interface)[ \t]+(?P<name>\w+)"
    ),
    import_line=r"^(?:import|package)[ \t]",
    continues=("else", "catch", "finally", "while"),
    keywords=_words(
        "abstract assert boolean break byte case catch char class const continue default do double"
        " else enum extends false final finally float for if implements import instanceof int"
        " interface long native new null package private protected public record return short static"
        " super switch synchronized this throw throws transient true try var void volatile while"
        " yield"
    ),
    grammar=Grammar("tree_sitter_java"),
    kinds=Kinds(
        functions=_words(
            "method_declaration constructor_declaration compact_constructor_declaration"
        ),
        classes=_words(
            "class_declaration interface_declaration enum_declaration record_declaration"
            " annotation_type_declaration"
        ),
        blocks=_words(
            "block class_body interface_body enum_body constructor_body switch_block"
            " annotation_type_body"
        ),
        strings=_words("string_literal character_literal"),
        comments=_words("line_comment block_comment"),
        imports=_words("import_declaration package_declaration"),
        names=_words("identifier type_identifier"),
        constants=_words("constant_declaration"),
        embedded=_words("string_interpolation"),
    ),
)

_GO = Language(
    suffixes=(".go",),
    line_comments=("//",),
    block_comments=_C_COMMENTS,
    quotes=(*_C_QUOTES, Quotes("`", "`", lines=True, escape="")),
    blocks="braces",
    indent="\t",
    function_header=r"^func[ \t]+(?:\([^)]*\)[ \t]*)?(?P<name>\w+)",
    class_header=r"^[ \t]*type[ \t]+(?P<name>\w+)",
    import_line=r"^import\b",
    continues=("else",),
    keywords=_words(
        "break case chan const continue default defer else fallthrough false for func go goto if"
        " import interface iota map nil package range return select struct switch true type var"
    ),
    grammar=Grammar("tree_sitter_go"),
    kinds=Kinds(
        functions=_words("function_declaration method_declaration"),
        classes=_words("type_spec"),
        blocks=_words(
            "block field_declaration_list interface_type expression_switch_statement"
            " type_switch_statement select_statement"
        ),
        strings=_words("interpreted_string_literal raw_string_literal rune_literal"),
        comments=_words("comment"),
        imports=_words("import_declaration"),
        names=_words("identifier type_identifier field_identifier package_identifier"),
        types=_words("type_alias"),
        constants=_words("const_spec var_spec"),
        wrappers=_words("type_declaration"),
        open=_words("type_declaration const_declaration var_declaration var_spec_list"),
    ),
)

_C_KINDS = Kinds(
    functions=_words("function_definition"),
    classes=_words("struct_specifier union_specifier enum_specifier"),
    blocks=_words("compound_statement field_declaration_list enumerator_list declaration_list"),
    strings=_words("string_literal char_literal system_lib_string"),
    comments=_words("comment"),
    imports=_words("preproc_include"),
    names=_words("identifier type_identifier field_identifier"),
    types=_words("type_definition"),
    constants=_words("preproc_def preproc_function_def init_declarator"),
    open=_words(
        "preproc_if preproc_ifdef preproc_else preproc_elif linkage_specification declaration_list"
        " declaration"
    ),
)
_C = Language(
    literal=_C_NUMBER,
    suffixes=(".c", ".h"),
    line_comments=("//",),
    block_comments=_C_COMMENTS,
    quotes=_C_QUOTES,
    blocks="braces",
    function_header=_C_FUNCTION,
    class_header=r"^[ \t]*(?:typedef[ \t]+)?(?:struct|union|enum)[ \t]+(?P<name>\w+)[^;()]*$",
    import_line=r"^[ \t]*#[ \t]*include\b",
    continues=("else", "while"),
    keywords=_words(
        "auto bool break case char const continue default do double else enum extern false float for"
        " goto if inline int long register restrict return short signed sizeof static struct switch"
        " true typedef union unsigned void volatile while"
    ),
    grammar=Grammar("tree_sitter_c"),
    kinds=_C_KINDS,
)
_CPP = Language(
    literal=_C_NUMBER,
    suffixes=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx"),
    line_comments=("//",),
    block_comments=_C_COMMENTS,
    quotes=_C_QUOTES,
    blocks="braces",
    function_header=_C_FUNCTION,
    class_header=(
        r"^[ \t]*(?:typedef[ \t]+|template[ \t]*<.*>[ \t]*)?"
        r"(?:class|struct|union|enum(?:[ \t]+class)?|namespace)[ \t]+(?P<name>\w+)[^;()]*$"
    ),
    import_line=r"^[ \t]*(?:#[ \t]*include|using|import)\b",
    continues=("else", "catch", "while"),
    keywords=_C.keywords
    | _words(
        "and catch class co_await co_return co_yield concept consteval constexpr decltype delete"
        " explicit export final friend mutable namespace new noexcept not nullptr operator or override"
        " private protected public requires static_assert template this throw try typeid typename"
        " using virtual"
    ),
    grammar=Grammar("tree_sitter_cpp"),
    kinds=Kinds(
        functions=_C_KINDS.functions,
        classes=_C_KINDS.classes
        | _words("class_specifier namespace_definition concept_definition"),
        blocks=_C_KINDS.blocks,
        strings=_C_KINDS.strings | _words("raw_string_literal"),
        comments=_C_KINDS.comments,
        imports=_C_KINDS.imports | _words("using_declaration"),
        names=_C_KINDS.names | _words("namespace_identifier"),
        types=_C_KINDS.types | _words("alias_declaration"),
        constants=_C_KINDS.constants,
        wrappers=_words("template_declaration"),
        open=_C_KINDS.open | _words("namespace_definition template_declaration"),
    ),
)

_RUST = Language(
    literal=r"'(?:\\[^\n']+|[^\\\n'])'",  # a lifetime has one quote only
    suffixes=(".rs",),
    line_comments=("//",),
    block_comments=_C_COMMENTS,
    quotes=(
        Quotes('r#"', '"#', lines=True, escape=""),
        Quotes('"', '"', lines=True),
    ),
    blocks="braces",
    function_header=(
        r"^[ \t]*(?:(?:pub(?:\([^)]*\))?|const|async|unsafe|default|extern(?:[ \t]+\"[^\"]*\")?)[ \t]+)*"
        r"fn[ \t]+(?P<name>\w+)"
    ),
    class_header=(
        r"^[ \t]*(?:pub(?:\([^)]*\))?[ \t]+)?(?:unsafe[ \t]+)?"
        r"(?:(?:struct|enum|union|trait|mod)[ \t]+(?P<name>\w+)"
        r"|impl\b[ \t]*(?:<[^{]*?>[ \t]*)?(?:[^{]*?[ \t]for[ \t]+)?(?P<implemented>\w+))"
    ),
    import_line=r"^[ \t]*(?:pub[ \t]+)?(?:use|extern[ \t]+crate)\b",
    continues=("else",),
    keywords=_words(
        "Self as async await break const continue crate dyn else enum extern false fn for if impl in"
        " let loop match mod move mut pub ref return self static struct super trait true type union"
        " unsafe use where while"
    ),
    grammar=Grammar("tree_sitter_rust"),
    kinds=Kinds(
        functions=_words("function_item function_signature_item"),
        classes=_words("struct_item enum_item union_item trait_item mod_item impl_item"),
        blocks=_words(
            "block declaration_list field_declaration_list enum_variant_list match_block"
        ),
        strings=_words("string_literal raw_string_literal char_literal"),
        comments=_words("line_comment block_comment"),
        imports=_words("use_declaration extern_crate_declaration"),
        names=_words("identifier type_identifier field_identifier shorthand_field_identifier"),
        types=_words("type_item"),
        constants=_words("const_item static_item macro_definition"),
        implementations=_words("impl_item"),
        open=_words("mod_item declaration_list foreign_mod_item"),
    ),
)


def _hash(*suffixes: str, indent: str = "    ", blocks: Blocks = "indentation") -> Language:
    """A language whose comments begin with `#`."""
    return Language(suffixes, ("#",), indent=indent, blocks=blocks)


def _slashes(*suffixes: str, indent: str = "    ") -> Language:
    """A language with comments and braces like C's."""
    return Language(
        suffixes, ("//",), _C_COMMENTS, blocks="braces", indent=indent,
        function_header=_C_FUNCTION, class_header=_JAVA.class_header,
        import_line=r"^[ \t]*(?:import|using|use|#include)\b", continues=_JAVA.continues,
    )  # fmt: skip


DEFAULT = Language()

# The six languages of CodeGen-Multi and what their users write beside them; then, without a grammar,
# others whose comments can be told from their code.
LANGUAGES: dict[str, Language] = {
    "python": _PYTHON,
    "javascript": _JAVASCRIPT,
    "javascriptreact": _like_javascript(
        (".jsx",), Grammar("tree_sitter_javascript"), _JAVASCRIPT_KINDS
    ),
    "typescript": _like_javascript(
        (".ts", ".mts", ".cts"),
        Grammar("tree_sitter_typescript", "language_typescript"),
        _TYPESCRIPT_KINDS,
    ),
    "typescriptreact": _like_javascript(
        (".tsx",), Grammar("tree_sitter_typescript", "language_tsx"), _TYPESCRIPT_KINDS
    ),
    "java": _JAVA,
    "go": _GO,
    "c": _C,
    "cpp": _CPP,
    "rust": _RUST,
    "csharp": _slashes(".cs"),
    "kotlin": _slashes(".kt", ".kts"),
    "swift": _slashes(".swift"),
    "scala": _slashes(".scala", ".sc"),
    "dart": _slashes(".dart", indent="  "),
    "groovy": _slashes(".groovy", ".gradle"),
    "objective-c": _slashes(".m"),
    "objective-cpp": _slashes(".mm"),
    "zig": _slashes(".zig"),
    "php": Language(
        (".php",), ("//", "#"), _C_COMMENTS, blocks="braces", function_header=_C_FUNCTION,
        class_header=_JAVA.class_header, import_line=r"^(?:use|require|include)",
    ),
    "css": Language((".css",), (), _C_COMMENTS, blocks="braces", indent="  "),
    "scss": Language((".scss",), ("//",), _C_COMMENTS, blocks="braces", indent="  "),
    "less": Language((".less",), ("//",), _C_COMMENTS, blocks="braces", indent="  "),
    "jsonc": Language((".jsonc",), ("//",), _C_COMMENTS, blocks="braces", indent="  "),
    "json": Language((".json",), (), (), (Quotes('"', '"'),), "braces", "  "),
    "shellscript": _hash(".sh", ".bash", ".zsh", indent="  ", blocks="words"),
    "ruby": _hash(".rb", indent="  ", blocks="words"),
    "elixir": _hash(".ex", ".exs", indent="  ", blocks="words"),
    "perl": _hash(".pl", ".pm", blocks="braces"),
    "r": _hash(".r", indent="  ", blocks="braces"),
    "julia": _hash(".jl", blocks="words"),
    "yaml": _hash(".yaml", ".yml", indent="  "),
    "toml": _hash(".toml", indent="  "),
    "dockerfile": _hash(".dockerfile"),
    "makefile": _hash(".mk", indent="\t"),
    "cmake": _hash(".cmake", indent="  ", blocks="words"),
    "nix": _hash(".nix", indent="  "),
    "lua": Language((".lua",), ("--",), (("--[[", "]]"),), blocks="words", indent="  "),
    "sql": Language((".sql",), ("--",), _C_COMMENTS, blocks="words"),
    "haskell": Language((".hs",), ("--",), (("{-", "-}"),), (Quotes('"', '"'),), indent="  "),
    "elm": Language((".elm",), ("--",), (("{-", "-}"),), (Quotes('"', '"'),)),
    "html": Language((".html", ".htm"), (), (("<!--", "-->"),), (), indent="  "),
    "xml": Language((".xml", ".svg"), (), (("<!--", "-->"),), (), indent="  "),
    "vue": Language((".vue",), ("//",), (("<!--", "-->"), *_C_COMMENTS), (), indent="  "),
    "markdown": Language((".md",), (), (("<!--", "-->"),), ()),
    "latex": Language((".tex",), ("%",), (), (), indent="  "),
    "erlang": Language((".erl", ".hrl"), ("%",)),
    "matlab": Language((), ("%",), (("%{", "%}"),), (Quotes('"', '"'),), "words"),
    "clojure": Language((".clj", ".cljs"), (";",), (), (Quotes('"', '"', lines=True),), indent="  "),
    "lisp": Language((".lisp", ".el"), (";",), (), (Quotes('"', '"', lines=True),), indent="  "),
    "vim": Language((".vim",), (), (), (Quotes("'", "'", escape=""),), "words", "  "),
    "bat": Language((".bat", ".cmd"), ("rem ", "REM ", "::"), (), (Quotes('"', '"', escape=""),)),
    "ini": Language((".ini", ".cfg"), (";", "#"), (), ()),
    "plaintext": DEFAULT,
}  # fmt: skip

_BY_SUFFIX = {
    suffix: name for name, language in reversed(LANGUAGES.items()) for suffix in language.suffixes
}
