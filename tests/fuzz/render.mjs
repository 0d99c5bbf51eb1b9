// Renders Markdown as JupyterLab 4.6 does: formulas out, marked, highlighted code, formulas back.
//
// One JSON array of texts a line on stdin, one array of HTML a line on stdout. `node render.mjs FOLDER`, where FOLDER holds
// node_modules with marked, marked-gfm-heading-id and marked-mangle of the versions that JupyterLab bundles.
//
// removeMath and replaceMath, and the order of things, follow packages/rendermime/src/latex.ts and
// packages/markedparser-extension/src/index.ts of JupyterLab (BSD-3-Clause, Project Jupyter Contributors), line by line
// where it matters: what it does not escape is not escaped here.

import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const require = createRequire(join(process.argv[2], 'package.json'));
const load = async name => import(pathToFileURL(require.resolve(name)));
const { Marked, Renderer } = await load('marked');
const { gfmHeadingId } = await load('marked-gfm-heading-id');
const { mangle } = await load('marked-mangle');

const SPLIT = /(\$\$?|\\(?:begin|end)\{[a-z]*\*?\}|\\[{}$]|[{}]|(?:\n\s*)+|@@\d+@@|\\\\[()[\]])/i;

function removeMath(text) {
  const math = [];
  let start = null;
  let end = null;
  let last = null;
  let braces = 0;
  let unescape = x => x;
  if (text.includes('`') || text.includes('~~~')) {
    text = text
      .replace(/~/g, '~T')
      .replace(/^(?<fence>`{3,}|(~T){3,})[^`\n]*\n([\s\S]*?)^\k<fence>`*$/gm, x => x.replace(/\$/g, '~D'))
      .replace(/(^|[^\\])(`+)([^\n]*?[^`\n])\2(?!`)/gm, x => x.replace(/\$/g, '~D'));
    unescape = x => x.replace(/~([TD])/g, (_, c) => (c === 'T' ? '~' : '$'));
  }
  let blocks = text.replace(/\r\n?/g, '\n').split(SPLIT);
  const process = (from, to) => {
    let block = blocks.slice(from, to + 1).join('');
    block = block.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
    while (to > from) {
      blocks[to] = '';
      to--;
    }
    blocks[from] = '@@' + math.length + '@@';
    math.push(unescape(block));
  };
  for (let i = 1; i < blocks.length; i += 2) {
    const block = blocks[i];
    if (block.charAt(0) === '@') {
      blocks[i] = '@@' + math.length + '@@';
      math.push(block);
    } else if (start !== null) {
      if (block === end) {
        if (braces) {
          last = i;
        } else {
          process(start, i);
          start = end = last = null;
        }
      } else if (block.match(/\n.*\n/)) {
        if (last !== null) {
          i = last;
          process(start, i);
        }
        start = end = last = null;
        braces = 0;
      } else if (block === '{') {
        braces++;
      } else if (block === '}' && braces) {
        braces--;
      }
    } else if (block === '$' || block === '$$') {
      start = i;
      end = block;
      braces = 0;
    } else if (block === '\\\\(' || block === '\\\\[') {
      start = i;
      end = block.slice(-1) === '(' ? '\\\\)' : '\\\\]';
      braces = 0;
    } else if (block.substr(1, 5) === 'begin') {
      start = i;
      end = '\\end' + block.substr(6);
      braces = 0;
    }
  }
  if (start !== null && last !== null) {
    process(start, last);
  }
  return { text: unescape(blocks.join('')), math };
}

function replaceMath(html, math) {
  return html.replace(/@@(\d+)@@/g, (_, n) => {
    let found = math[n];
    if (found.startsWith('\\\\(') && found.endsWith('\\\\)')) {
      found = '\\(' + found.substring(3, found.length - 3) + '\\)';
    } else if (found.startsWith('\\\\[') && found.endsWith('\\\\]')) {
      found = '\\[' + found.substring(3, found.length - 3) + '\\]';
    }
    return found;
  });
}

const escape = text => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const renderer = new Renderer();
const plain = renderer.code;
// The highlighter writes the language into the attribute as it stands, and the diagram renderer takes its own.
renderer.code = token => {
  if (token.lang === 'mermaid') {
    return `<mermaid>${escape(token.text)}</mermaid>`;
  }
  return token.lang
    ? `<pre><code class="language-${token.lang}">${escape(token.text)}</code></pre>`
    : plain.call(renderer, token);
};
const marked = new Marked();
marked.use(gfmHeadingId());
marked.use(mangle());

function render(source) {
  const { text, math } = removeMath(source);
  return replaceMath(marked.parse(text, { gfm: true, renderer }), math);
}

for await (const line of createInterface({ input: process.stdin })) {
  const texts = JSON.parse(line);
  const pages = texts.map(text => {
    try {
      return render(text);
    } catch (error) {
      return `<failed>${escape(String(error))}</failed>`;
    }
  });
  process.stdout.write(JSON.stringify(pages) + '\n');
}
