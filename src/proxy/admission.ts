/**
 * Who may ask: a launch of this user's, and nobody else's. The credential is the launch's random id;
 * the socket's owner, `Host` and `Origin` are checked besides, so neither another local user nor a web
 * page gets in with a stolen or guessed address.
 *
 * @module
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Why a request is turned away; undefined when it may pass. */
export type Refusal = { readonly status: 401 | 403 | 421; readonly reason: string } | undefined;

/**
 * Checks what a web page cannot forge away: `Host` must be our own address (no DNS rebinding), and
 * nothing that only browsers send may be there (`Origin`, `Sec-*`). Node's own `fetch` sends
 * `Sec-Fetch-Mode`, too, so that tells nothing.
 */
export function checkHeaders(request: Pick<IncomingMessage, 'headersDistinct'>, address: string): Refusal {
  const { host = [], ...others } = request.headersDistinct;
  if (host.length !== 1 || host[0] !== address)
    return { status: 421, reason: `Host is "${host.join('", "')}", not ${address}` };
  const browser = Object.keys(others).find(
    (name) => name === 'origin' || (name.startsWith('sec-') && name !== 'sec-fetch-mode'),
  );
  return browser ? { status: 403, reason: `requests from web pages are refused (${browser})` } : undefined;
}

/** The launch id that a request shows as its bearer token, or as our password: some tools send no header of their own. */
export function credentialOf(request: Pick<IncomingMessage, 'headers'>): string | undefined {
  const { authorization = '' } = request.headers;
  const [, basic] = /^Basic ([A-Za-z0-9+/]{1,100}={0,2})$/.exec(authorization) ?? [];
  return basic === undefined
    ? /^Bearer ([0-9a-f-]{36})$/.exec(authorization)?.[1]
    : /^pyrsia:([0-9a-f-]{36})$/.exec(Buffer.from(basic, 'base64').toString('latin1'))?.[1];
}

/** Before the path of a request that shows no credential: the public name of its launch follows. No registry has such a path. */
const NAMED = '/.pyrsia/';

/** The base URL for a launch whose tool keeps what it could show us for the registry itself. */
export function namedBase(base: string, name: string): string {
  return new URL(`${NAMED}${name}/`, base).href;
}

/** The launch that a request names, and what it asks for. */
export function namedIn(url: string): { readonly name: string; readonly url: string } | undefined {
  const [, name, rest] = /^\/\.pyrsia\/([0-9a-f-]{36})(\/.*)$/s.exec(url) ?? [];
  return name === undefined || rest === undefined ? undefined : { name, url: rest };
}

/** Whether it can be told here whose a connection is, without which a name lets nobody in. */
export function tellsOwners(): boolean {
  return existsSync(TABLES[0]!.table);
}

/** ::ffff:0:0/96, as the kernel prints it. */
const MAPPED = hexOfWords([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);

const owners = new WeakMap<Socket, ReturnType<typeof ownerOf>>();

/**
 * The user id at the other end of a loopback connection, asked of the kernel once a connection; `'nobody'`
 * when the kernel knows no such connection (any more), undefined where it does not say (no /proc).
 *
 * @see https://docs.kernel.org/networking/proc_net_tcp.html
 */
export async function ownerOf(socket: Socket): Promise<number | 'nobody' | undefined> {
  let owner = owners.get(socket);
  if (!owner) owners.set(socket, (owner = lookUp(socket)));
  return owner;
}

/** A connection that somebody asks about. */
interface Question {
  readonly theirs: string;
  readonly ours: string;
  readonly answer: (owner: number | 'nobody' | undefined) => void;
}

/** An IPv6 socket may speak IPv4: then both addresses are mapped ones. */
const TABLES = [
  { table: '/proc/net/tcp', rowOf: ({ theirs, ours }: Question) => ` ${theirs} ${ours} ` },
  { table: '/proc/net/tcp6', rowOf: ({ theirs, ours }: Question) => ` ${MAPPED}${theirs} ${MAPPED}${ours} ` },
];

const questions: Question[] = [];

/** To read a table takes the kernel milliseconds, however few connections there are: all who wait share it. */
async function lookUp(socket: Socket): Promise<number | 'nobody' | undefined> {
  const theirs = kernelName(socket.remoteAddress, socket.remotePort);
  const ours = kernelName(socket.localAddress, socket.localPort);
  return new Promise((answer) => {
    if (questions.push({ theirs, ours, answer }) === 1) setImmediate(answerAll);
  });
}

function answerAll(): void {
  let open = questions.splice(0);
  let told = false;
  // While connections come and go the kernel may leave one out.
  for (let tries = 0; tries < 2; tries++) {
    for (const table of TABLES) {
      const left = open.length > 0 ? search(table, open) : [];
      told ||= left !== undefined;
      open = left ?? open;
    }
  }
  for (const { answer } of open) answer(told ? 'nobody' : undefined);
}

/** A page is what the kernel gives at a time. */
const page = Buffer.alloc(2 ** 14);

/**
 * Answers what a table can answer, and gives back the rest; undefined where there is no such table. On this thread:
 * a trip to another for each page takes longer than the table.
 */
function search(
  { table, rowOf }: (typeof TABLES)[number],
  asked: readonly Question[],
): Question[] | undefined {
  let file: number;
  try {
    file = openSync(table, 'r');
  } catch {
    return undefined;
  }
  try {
    let open = asked.map((question) => ({ question, row: rowOf(question) }));
    let torn = '';
    for (let length = -1; length !== 0 && open.length > 0;) {
      length = readSync(file, page);
      const text = torn + page.toString('latin1', 0, length);
      const end = text.lastIndexOf('\n') + 1;
      torn = text.slice(end);
      const lines = text.slice(0, end);
      open = open.filter(({ question, row }) => {
        const at = lines.indexOf(row);
        if (at >= 0) question.answer(ownerIn(lines.slice(at + row.length)));
        return at < 0;
      });
    }
    return open.map(({ question }) => question);
  } finally {
    closeSync(file);
  }
}

/** Reads what follows the addresses in a row. A socket that its process has closed has no inode, and passes for root's. */
function ownerIn(rest: string): number | 'nobody' {
  const [, , , , owner, , inode] = rest.trimStart().split(/\s+/, 7);
  return inode === '0' ? 'nobody' : Number(owner);
}

/** An IPv4 address and a port as the kernel prints them. */
function kernelName(address = '0.0.0.0', port = 0): string {
  return `${hexOfWords(address.split('.').map(Number))}:${port.toString(16).padStart(4, '0').toUpperCase()}`;
}

/** Hex of each four bytes, in the byte order of the machine. */
function hexOfWords(bytes: readonly number[]): string {
  const words = [...new Uint32Array(Uint8Array.from(bytes).buffer)];
  return words.map((word) => word.toString(16).padStart(8, '0').toUpperCase()).join('');
}
