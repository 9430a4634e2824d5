import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { entryFlags, entryText, fieldsIn, pickedOf } from '../../command/entry-table.ts';
import { openOwnLog } from '../../command/own-log.ts';
import { PyrsiaCommand } from '../../command/pyrsia-command.ts';
import { packagePurl, purlOf } from '../../content/coordinates.ts';
import { parseDuration } from '../../content/format.ts';
import { parseReference } from '../../ecosystems/index.ts';
import { PyrsiaError } from '../../errors.ts';
import { entriesFrom, type EntryRow, matches, mayMatch, type Query, rowOf } from '../../trust/entries.ts';
import { syncLog } from '../../trust/sync.ts';

export default class LogSearch extends PyrsiaCommand {
  static override summary = "Search your network's log";
  static override description =
    'The log is copied first, as log sync does, and searched here: nobody learns what is looked for. Offline the copy is searched as it is.';
  static override examples = [
    '<%= config.bin %> log search lodash',
    '<%= config.bin %> log search --package npm:lodash --latest',
    '<%= config.bin %> log search --image nginx --since 7d --csv',
    '<%= config.bin %> log search --observer org1.example --fields index,purl,time --json',
  ];
  static override args = { text: Args.string({ description: 'part of a package URL' }) };
  static override flags = {
    ...entryFlags,
    package: Flags.string({
      summary: 'entries about this package, with or without version',
      helpValue: 'npm:NAME',
      exclusive: ['image'],
    }),
    image: Flags.string({ summary: 'entries about this image', helpValue: 'NAME' }),
    upstream: Flags.string({ summary: 'entries about what this registry gave', helpValue: 'TEXT' }),
    observer: Flags.string({ summary: 'entries that this key has signed', helpValue: 'NAME' }),
    since: Flags.string({ summary: 'seen since then, or no longer ago', helpValue: '2026-11-21|7d' }),
    latest: Flags.boolean({ summary: 'of each package URL the newest entry alone' }),
  };

  async run(): Promise<Partial<EntryRow>[]> {
    const { args, flags } = await this.parse(LogSearch);
    const fields = fieldsIn(flags.fields);
    const query = await queryOf({ ...flags, text: args.text });
    await using session = this.openSession();
    await using own = await openOwnLog(session);
    await syncLog(own.client);
    const kept = own.client.latest();
    let rows: EntryRow[] = [];
    for await (const entries of kept ? entriesFrom(own.client.below(kept)) : []) {
      for (const each of entries) {
        if (!mayMatch(query, each.bytes)) continue;
        const row = rowOf(each);
        if (matches(query, row)) rows.push(row);
      }
    }
    if (flags.latest) rows = [...new Map(rows.map((row) => [row.purl, row])).values()];
    if (rows.length > 0 || flags.csv) this.print(entryText(rows, fields, flags.csv));
    return flags.fields === undefined ? rows : rows.map((row) => pickedOf(row, fields));
  }
}

async function queryOf({
  text,
  package: named,
  image,
  upstream,
  observer,
  since,
}: Readonly<
  Record<'text' | 'package' | 'image' | 'upstream' | 'observer' | 'since', string | undefined>
>): Promise<Query> {
  const purl =
    named !== undefined ? await purlOfPackage(named) : image !== undefined ? purlOfImage(image) : undefined;
  return {
    ...(text !== undefined && { text }),
    ...(purl !== undefined && { purl }),
    ...(upstream !== undefined && { upstream }),
    ...(observer !== undefined && { observer }),
    ...(since !== undefined && { since: timeOf(since) }),
  };
}

/** `npm:@types/node@24.0.0` → `pkg:npm/%40types/node@24.0.0`, `maven:org.slf4j:slf4j-api` → `pkg:maven/org.slf4j/slf4j-api`. */
async function purlOfPackage(text: string): Promise<string> {
  if (text.startsWith('pkg:')) return text;
  const { ecosystem, reference } = await parseReference(text);
  const exact = ecosystem.registry.exact(reference);
  return exact ? purlOf(exact.coordinates) : packagePurl(reference);
}

/** An image as it is typed: `nginx` is `library/nginx`. */
function purlOfImage(text: string): string {
  const [name = '', ...rest] = text.split(/(?=[:@])/);
  const whole = name.includes('/') ? name : `library/${name}`;
  return `pkg:docker/${whole}${rest.join('').replace(/^:/, '@')}`;
}

function timeOf(text: string): number {
  const ms = parseDuration(text);
  const time = ms === undefined ? Date.parse(text) : Date.now() - ms;
  if (Number.isNaN(time))
    throw new PyrsiaError('REFERENCE_MALFORMED', {
      text,
      reason: 'expected a time, or a duration such as 7d',
    });
  return time;
}
