"""What the world sends: texts, YAML, JSON and XML of which each has harmed some program; run at every surface."""

ARABIC, HEBREW = "\u0627\u0644\u0631\u0628\u062d", "\u05e8\u05d5\u05d5\u05d7"

WORDS = [
    "Q3 EPS $0.21 vs $0.02 a year ago",
    r"XYZW \(x^2\) \[y\] $$z$$ \begin{align}a\end{align} $\frac{$",
    "<b>up</b> <img src=x onerror=alert(1)> <script>alert(1)</script> &lt;b&gt;",
    "*bold* _it_ `code` [click](javascript:alert(1)) ![x](http://evil/x.png) | a | b |",
    "# heading", "- item", "1. item", "> quote", "+ item", "===", "---", "~~gone~~", "<http://evil>", "a | b",
    "=HYPERLINK(\"http://evil\")", "=cmd|' /C calc'!A1", "@SUM(1)", "-1+1", "+1+1", "\t=1+1",
    "[bold red]CRITICAL[/] all is well [link=http://evil]x[/link]",
    "<!channel> @everyone <@U123> @here",
    "</td></tr></table><h1>Account closed</h1>", "]]>--></style></title></textarea><svg onload=alert(1)>",
    "&#60;script&#62;alert(1)&#60;/script&#62; &amp;lt; &nbsp;&zwj;",
    "' onmouseover=alert(1) x='", '" autofocus onfocus=alert(1) "',
    "{{7*7}} ${7*7} #{7*7} %s %n {0.__class__} {key}", "W" * 300,
    f"{ARABIC} {HEBREW} 123", "e\u0301 Z\u0351\u036b\u0343\u036a\u0302 \u1100\u1161", "\U0001f680 \u2603 \u00df \uff21",
]  # fmt: skip
"""Signs that everybody sees, and that some reader takes for more than signs."""

TERMINAL = [
    "\x1b[2J\x1b[1;31mowned", "\x1b]0;title\x07", "\x1b]8;;http://evil\x07click\x1b]8;;\x07", "a\rb", "a\x08\x08b",
    "\x9b31m", "\x1b]52;c;cm0gLXJm\x07", "\x1bP1$r0m\x1b\\", "\x1b[6n", "\x1b[?1049h", "\x0e\x0f", "\x90q\x9c",
    "\u202egnp.exe", "\u2066a\u2067b\u2069c", "\u061ca\u200fb\u200e", "a\u2028b\u2029c\x85d", "\ud800", "\udfff\ud83d",
    "\x00", "\x7f", "zero\u200bwidth\u200c\ufeff\u2060join", "\U000e0041\U000e007f", "\ufff9a\ufffab\ufffb",
    "\ufffe\uffff", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "soft\u00adhyphen", "a\x0bb\x0cc",
]  # fmt: skip
"""Signs that nobody sees: a terminal, a browser or a file obeys them, or breaks at them."""

TEXTS = [*WORDS, *TERMINAL]

_LETTERS = "bcdefghij"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("a" + _LETTERS, _LETTERS, strict=False)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{','.join([f'*{before}'] * 10)}]}}\n"
    for before, name in zip("a" + _LETTERS, _LETTERS, strict=False)
)
"""Some lines that stand for a billion values, in two ways."""

YAML = {
    "anchors": BOMB, "merges": MERGES, "itself": "a: &a [*a]", "itself whole": "&a {a: *a}", "nobody's anchor": "a: *b",
    "deep": "a: " + "[" * 20_000, "deep keys": "".join(f"{' ' * at}a:\n" for at in range(3_000)),
    "deep braces": "{a: " * 5_000 + "1" + "}" * 5_000,
    "a day that is none": "a: 2026-13-45", "a time that is none": "a: 2026-11-20T99:99:99",
    "6,000 digits": "a: " + "9" * 6_000, "6,000 hexadecimal digits": "a: 0x" + "f" * 6_000,
    "base 60": "a: 59" + ":59" * 300, "binary": "a: !!binary '=='", "timestamp": "a: !!timestamp abc",
    "float": "a: !!float abc", "int": "a: !!int ''", "bool": "a: !!bool x", "set": "a: !!set {x: 1}",
    "object": "a: !!python/object/apply:os.system ['false']", "tag": "!<tag:evil> 1", "word for a map": "a: !!map x",
    "list for a key": "? [a]\n: 1",
    "value": "a: =", "NUL": "a: \0", "half a character": 'a: "\\ud800"', "escapes": 'a: "\\e[2J\\u202e\\r"',
    "UTF-16": b"\xff\xfea\0:\0 \x001\0", "Latin-1": b"a: \xff", "two documents": "---\na: 1\n---\nb: 2", "scalar": "7",
    "twice": "a: 1\na: 2", "tabs": "a:\n\t- b", "version": "%YAML 9.9\n---\na: 1", "long": "a: " + "x" * 2_000_000,
    "long key": "? " + "k" * 4_000 + "\n: 1", "infinity": "a: .inf", "nan": "a: .nan",
}  # fmt: skip
"""Files that a YAML reader hangs at, runs out of memory at, or raises something at that is no YAMLError."""

JSON = {
    "deep": "[" * 10_000, "deep objects": '{"a":' * 10_000, "6,000 digits": "9" * 6_000, "400 digits": "9" * 400,
    "1e999": "1e999", "NaN": "NaN", "-Infinity": "-Infinity", "half a character": '"\\ud800"', "nothing": "",
    "cut off": '{"a": 1', "twice": '{"a": 1} {"a": 1}', "no text": '"\xff', "list": "[]", "number": "7", "null": "null",
    "text": '"a"', "NUL": '"\\u0000"', "BOM": '\ufeff{"a": 1}', "same key": '{"a": 1, "a": 2}',
    "other keys": '{"b": 1}',
}  # fmt: skip

_ENTITIES = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 10))
XML = {
    "entities": f'<!DOCTYPE a [<!ENTITY e0 "ha">{_ENTITIES}]><a>&e9;</a>',
    "one long entity": f'<!DOCTYPE a [<!ENTITY e "{"x" * 100_000}">]><a>{"&e;" * 10_000}</a>',
    "a file": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
    "an address": '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/evil.dtd"><a/>',
    "parameter entity": '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><a/>',
    "deep": "<a>" * 200_000, "deep and closed": "<a>" * 50_000 + "</a>" * 50_000,
    "cut off": "<FlexQueryResponse><FlexStatements>", "NUL": "<a>\0</a>", "control": "<a>\x1b[2J</a>",
    "half a character": "<a>&#xD800;</a>", "encoding": '<?xml version="1.0" encoding="nobody-knows"?><a/>',
    "UTF-7": '<?xml version="1.0" encoding="utf-7"?><a/>', "nothing": "", "text": "hello",
    "twice": '<a b="1" b="2"/>', "many attributes": "<a " + " ".join(f'a{at}="1"' for at in range(50_000)) + "/>",
    "names": "<a:b xmlns:a='" + "x" * 100_000 + "'/>",
}  # fmt: skip
