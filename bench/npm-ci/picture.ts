/**
 * The README's picture: a bar for each way of each run, as a multiple of a direct install. One SVG, readable on light
 * and dark, made of nothing but the measurements.
 *
 * @module
 */
import { ratio, spread } from './judge.ts';
import { against, type Run, type Way, WAYS } from './results.ts';
import type { Spread } from './statistics.ts';

const WIDTH = 840;
const ROW = 24;
const BAR = 14;
/** Where bars begin, and where the longest ends. */
const [LEFT, RIGHT] = [230, 690];
const MARGIN = 14;

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .head { font-weight: 600; }
  .small { font-size: 11px; fill: #59636e; }
  .page { fill: #ffffff; }
  .direct { fill: #afb8c1; } .ours { fill: #1a7f37; } .others { fill: #6e98c4; }
  .whisker { stroke: #1f2328; } .one { stroke: #59636e; stroke-dasharray: 2 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } .small { fill: #9198a1; }
    .page { fill: #0d1117; }
    .direct { fill: #656c76; } .ours { fill: #3fb950; } .others { fill: #4f7cac; }
    .whisker { stroke: #f0f6fc; } .one { stroke: #9198a1; }
  }
`;

const OURS: readonly Way[] = ['warm', 'exec', 'bare', 'cold', 'cold-100', 'cold-10'];

interface Row {
  readonly way: Way;
  readonly times: Spread;
  readonly seconds: number;
}

/** Draws the runs, one below the other. */
export function pictureOf(runs: readonly Run[]): string {
  const groups = runs.map((run) => ({ run, rows: rowsOf(run) }));
  const longest = Math.max(1, ...groups.flatMap(({ rows }) => rows.map(({ times }) => times.high)));
  const x = (times: number): number => LEFT + (times / longest) * (RIGHT - LEFT);
  const parts: string[] = [];
  let y = 4;
  for (const { run, rows } of groups) {
    y += 28;
    parts.push(text(MARGIN, y, `npm ci of ${run.packages} packages · ${versions(run)}`, 'head'));
    y += 18;
    parts.push(text(MARGIN, y, note(run), 'small'));
    y += 10;
    parts.push(line(x(1), y, x(1), y + rows.length * ROW, 'one'));
    for (const { way, times, seconds } of rows) {
      const middle = y + ROW / 2;
      parts.push(
        text(LEFT - 8, middle + 4, WAYS[way], '', 'end'),
        `<rect class="${classOf(way)}" x="${LEFT}" y="${middle - BAR / 2}" width="${round(x(times.median) - LEFT)}" height="${BAR}" rx="2"/>`,
        line(x(times.low), middle, x(times.high), middle, 'whisker'),
        text(RIGHT + 8, middle + 4, `${times.median.toFixed(2)} × · ${seconds.toFixed(1)} s`),
      );
      y += ROW;
    }
  }
  const height = y + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    '<title>How long npm ci takes, as a multiple of a direct install</title>',
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

function rowsOf(run: Run): Row[] {
  return (Object.keys(WAYS) as Way[]).flatMap((way) => {
    const [times, seconds] = [ratio(run, way), spread(run, way, (sample) => sample.seconds)];
    return times && seconds ? { way, times, seconds: seconds.median } : [];
  });
}

function versions({ npm, node }: Run): string {
  return `npm ${npm.split('.')[0]} on Node ${node.split('.')[0]}`;
}

function note(run: Run): string {
  const ours = OURS.flatMap((way) => (run.ways[way] ?? []).map(({ server }) => server?.peakRss ?? 0));
  const memory = ours.length > 0 ? ` · agent’s peak memory ${Math.round(Math.max(...ours) / 1e6)} MB` : '';
  const from = run.upstream === 'mirror' ? 'a mirror on this machine' : 'the registry';
  const rounds = `${run.rounds} interleaved ${run.rounds === 1 ? 'round' : 'rounds'}`;
  return `median of ${rounds}, with quartiles · upstream: ${from} · ${run.machine}${memory}`;
}

function classOf(way: Way): string {
  if (way === against(way)) return 'direct';
  return OURS.includes(way) ? 'ours' : 'others';
}

const round = (value: number): number => Math.round(value * 10) / 10;

function line(x1: number, y1: number, x2: number, y2: number, name: string): string {
  return `<line class="${name}" x1="${round(x1)}" y1="${y1}" x2="${round(x2)}" y2="${y2}"/>`;
}

function text(x: number, y: number, content: string, name = '', anchor = 'start'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" text-anchor="${anchor}"${name && ` class="${name}"`}>${escaped}</text>`;
}
