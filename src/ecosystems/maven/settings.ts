/**
 * settings.xml: what it says of repositories and of who is asked instead, and how it is changed so that Maven asks us.
 * Everything else in it stays as it is, byte for byte: passwords, comments, whatever a later Maven may know.
 *
 * @see https://maven.apache.org/settings.html
 * @module
 */
import type { MavenMirror, MavenRepository } from './mirrors.ts';
import { repositoriesIn } from './pom.ts';
import { child, childrenAt, escaped, readXml, textAt, type XmlElement } from './xml.ts';

/** Stands in what we have written, so that nobody is led to us twice. */
const MARK = '<!-- by pyrsia, for one run -->';

/** A proxy as settings name it. */
export interface MavenProxy {
  /** Of the URLs that are asked through it. */
  readonly protocol: string;
  readonly host: string;
  readonly port: string;
  readonly username?: string;
  readonly password?: string;
  /** Hosts that are asked without it, with `|` between them and `*` in them. */
  readonly nonProxyHosts?: string;
}

/** What settings say of the repository or mirror of one id. */
export interface MavenServer {
  readonly id: string;
  /** Whether there is a name, which Maven shows with a password once it is asked for them. */
  readonly hasName: boolean;
  /** Names of the headers that Maven sends there, in lower case. */
  readonly headers: readonly string[];
}

/** One settings.xml. */
export interface MavenSettings {
  /** In the order in which they stand. */
  readonly mirrors: readonly MavenMirror[];
  /** Of all profiles. */
  readonly repositories: readonly MavenRepository[];
  readonly servers: readonly MavenServer[];
  /** Those that are active. */
  readonly proxies: readonly MavenProxy[];
  /** Where artifacts are kept, as it stands there. */
  readonly localRepository?: string;
  /** We have written it. */
  readonly isOurs: boolean;
}

const NOTHING = '<settings/>';

/** Reads the text of a settings.xml; an empty one says nothing. @throws Error that says what is wrong, and where */
export function readSettings(text: string): MavenSettings {
  const root = rootOf(text);
  const profiles = childrenAt(root, 'profiles', 'profile');
  const localRepository = textAt(root, 'localRepository');
  return {
    ...(localRepository === undefined ? {} : { localRepository }),
    mirrors: mirrorsIn(root).map(({ mirror }) => mirror),
    repositories: profiles.flatMap(repositoriesIn),
    servers: childrenAt(root, 'servers', 'server').map(serverIn),
    proxies: activeProxies(root).map((proxy) => {
      const [username, password, nonProxyHosts] = ['username', 'password', 'nonProxyHosts'].map((name) =>
        textAt(proxy, name),
      );
      return {
        protocol: textAt(proxy, 'protocol') ?? 'http',
        host: textAt(proxy, 'host') ?? '',
        port: textAt(proxy, 'port') ?? '8080',
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        ...(nonProxyHosts === undefined ? {} : { nonProxyHosts }),
      };
    }),
    isOurs: text.includes(MARK),
  };
}

function serverIn(element: XmlElement): MavenServer {
  return {
    id: textAt(element, 'id') ?? 'default',
    hasName: textAt(element, 'username') !== undefined,
    headers: propertiesIn(child(element, 'configuration')),
  };
}

/** Names of properties, however deep: transports have had their headers in several places. */
function propertiesIn(element: XmlElement | undefined): readonly string[] {
  return (element?.children ?? []).flatMap((each) => [
    ...(each.name === 'property' ? [textAt(each, 'name')?.toLowerCase() ?? []].flat() : []),
    ...propertiesIn(each),
  ]);
}

/** How settings are changed. */
export interface Leads {
  /** New URLs of mirrors that are there, by id. */
  readonly urls: ReadonlyMap<string, string>;
  /** Hosts that are to be asked without any proxy. */
  readonly unproxied: readonly string[];
  /** Mirrors that are added, each for the repository of its own id, with the credential that it is shown. */
  readonly added: readonly { readonly id: string; readonly url: string }[];
  /** Ids of those that have something said of them elsewhere, which the credential would take the place of. */
  readonly told: ReadonlySet<string>;
  readonly credential: string;
}

/** The same settings, changed. @throws as {@link readSettings} does */
export function ledSettings(text: string, { urls, unproxied, added, told, credential }: Leads): string {
  const source = opened(text.trim() === '' ? NOTHING : text);
  const root = rootOf(source);
  const edits: Edit[] = [];
  const shown = new Set(added.map(({ id }) => id));
  for (const { mirror, url } of mirrorsIn(root)) {
    const led = urls.get(mirror.id);
    if (led === undefined || !url.inner) continue;
    edits.push({ ...url.inner, text: escaped(led) });
    shown.add(mirror.id);
  }
  for (const proxy of unproxied.length === 0 ? [] : activeProxies(root)) {
    const hosts = child(proxy, 'nonProxyHosts');
    const all = [...(hosts?.text ? [hosts.text] : []), ...unproxied].join('|');
    if (hosts?.inner) edits.push({ ...hosts.inner, text: escaped(all) });
    else edits.push(...into(proxy, `<nonProxyHosts>${escaped(all)}</nonProxyHosts>`));
  }
  const mirrors = added.map(
    ({ id, url }) =>
      `<mirror><id>${escaped(id)}</id><mirrorOf>${escaped(id)}</mirrorOf><url>${escaped(url)}</url></mirror>`,
  );
  const servers = [...shown].filter((id) => !told.has(id)).map((id) => server(id, credential));
  edits.push(...intoList(root, 'mirrors', mirrors), ...intoList(root, 'servers', servers));
  return `${applied(source, edits)}\n${MARK}\n`;
}

/** The credential goes in a header, so that Maven need not be asked for it first. */
function server(id: string, credential: string): string {
  const header = `<property><name>Authorization</name><value>Bearer ${escaped(credential)}</value></property>`;
  return `<server><id>${escaped(id)}</id><configuration><httpHeaders>${header}</httpHeaders></configuration></server>`;
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Puts elements at the beginning of a list of the root's, which is made where there is none. */
function intoList(root: XmlElement, name: string, elements: readonly string[]): readonly Edit[] {
  if (elements.length === 0) return [];
  const list = child(root, name);
  const text = elements.join('\n');
  return list?.inner ? into(list, text) : [...removed(list), ...into(root, `<${name}>${text}</${name}>`)];
}

function removed(element: XmlElement | undefined): readonly Edit[] {
  return element ? [{ start: element.start, end: element.end, text: '' }] : [];
}

/** The same with a root that can have content. */
function opened(source: string): string {
  const { inner, start, end } = rootOf(source);
  const tag = source.slice(start, end);
  const [name = ''] = /^[^\s/>]+/.exec(tag.slice(1)) ?? [];
  return inner
    ? source
    : `${source.slice(0, start)}${tag.replace(/\s*\/>$/, '>')}</${name}>${source.slice(end)}`;
}

/** Puts text at the beginning of an element that has content. */
function into({ inner }: XmlElement, text: string): readonly Edit[] {
  return inner ? [{ start: inner.start, end: inner.start, text: `\n${text}` }] : [];
}

/** Edits that would change the same place are made in the order in which they stand. */
function applied(source: string, edits: readonly Edit[]): string {
  const merged: Edit[] = [];
  for (const edit of edits) {
    const at = merged.findIndex(
      ({ start, end }) => start === edit.start && end === edit.end && start === end,
    );
    if (at < 0) merged.push(edit);
    else merged[at] = { ...edit, text: merged[at]!.text + edit.text };
  }
  let text = source;
  for (const { start, end, text: by } of merged.toSorted((a, b) => b.start - a.start))
    text = text.slice(0, start) + by + text.slice(end);
  return text;
}

function rootOf(text: string): XmlElement {
  const root = readXml(text.trim() === '' ? NOTHING : text);
  if (root.name !== 'settings') throw new Error(`it is <${root.name}>, and not <settings>`);
  return root;
}

function mirrorsIn(root: XmlElement): readonly { readonly mirror: MavenMirror; readonly url: XmlElement }[] {
  return childrenAt(root, 'mirrors', 'mirror').flatMap((element) => {
    const url = child(element, 'url');
    if (!url?.text) return [];
    const mirror = {
      id: textAt(element, 'id') ?? 'default',
      url: url.text,
      mirrorOf: textAt(element, 'mirrorOf') ?? '',
      blocked: textAt(element, 'blocked') === 'true',
    };
    return [{ mirror, url }];
  });
}

function activeProxies(root: XmlElement): readonly XmlElement[] {
  return childrenAt(root, 'proxies', 'proxy').filter((proxy) => textAt(proxy, 'active') !== 'false');
}
