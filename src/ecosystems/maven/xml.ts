/**
 * XML as Maven's own files are written: elements and their text. Entities other than XML's own five are an error, as for
 * Maven, so there is nothing that could be expanded.
 *
 * @module
 */
import { SaxesParser } from 'saxes';

/** The most elements that may stand in one another. */
const DEPTH_LIMIT = 100;

/** An element. Offsets are in the text that was read, in UTF-16 code units. */
export interface XmlElement {
  /** Without its prefix. */
  readonly name: string;
  /** The text right in it, with entities replaced, trimmed. */
  readonly text: string;
  readonly children: readonly XmlElement[];
  /** Where it begins, and where it has ended. */
  readonly start: number;
  readonly end: number;
  /** Where its content begins and ends; undefined for one that is written as `<a/>`. */
  readonly inner?: { readonly start: number; readonly end: number };
}

/** Reads a whole document. @throws Error that says what is wrong, and in which line and column */
export function readXml(text: string): XmlElement {
  const parser = new SaxesParser();
  const open: Growing[] = [];
  let root: XmlElement | undefined;
  let tagStart = 0;
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentagstart', ({ name }) => {
    // The parser stands behind the name, and has read one character more.
    tagStart = text.lastIndexOf('<', parser.position - 1);
    if (open.length >= DEPTH_LIMIT)
      throw parser.makeError(`<${name}> is more than ${DEPTH_LIMIT} elements deep.`);
  });
  parser.on('opentag', ({ name, isSelfClosing }) => {
    const inner = isSelfClosing ? undefined : parser.position;
    open.push({ name: local(name), parts: [], children: [], start: tagStart, inner });
  });
  const collect = (part: string): void => void open.at(-1)?.parts.push(part);
  parser.on('text', collect);
  parser.on('cdata', collect);
  parser.on('closetag', () => {
    const { name, parts, children, start, inner } = open.pop()!;
    const end = parser.position;
    const element: XmlElement = {
      name,
      text: parts.join('').trim(),
      children,
      start,
      end,
      ...(inner === undefined ? {} : { inner: { start: inner, end: text.lastIndexOf('</', end - 1) } }),
    };
    const parent = open.at(-1);
    if (parent) parent.children.push(element);
    else root = element;
  });
  parser.write(text).close();
  if (!root) throw new Error('there is no element');
  return root;
}

interface Growing {
  readonly name: string;
  readonly parts: string[];
  readonly children: XmlElement[];
  readonly start: number;
  readonly inner: number | undefined;
}

function local(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** The element at a path of names below `element`: the first of each. */
export function child(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
  let found = element;
  for (const name of names) found = found?.children.find((each) => each.name === name);
  return found;
}

/** All elements of the last name of a path below `element`. */
export function childrenAt(
  element: XmlElement | undefined,
  ...names: readonly string[]
): readonly XmlElement[] {
  const parent = child(element, ...names.slice(0, -1));
  return parent?.children.filter((each) => each.name === names.at(-1)) ?? [];
}

/** The text of the element at a path; undefined when there is none or it is empty. */
export function textAt(element: XmlElement | undefined, ...names: readonly string[]): string | undefined {
  return child(element, ...names)?.text || undefined;
}

/** `text` as it may stand between two tags. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
