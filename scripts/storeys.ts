/**
 * Checks that imports point down, by the rules in `.dependency-cruiser.js`.
 *
 * Without a TypeScript that it can use, dependency-cruiser finds no modules and is content; here that is red.
 *
 * @module
 */
import { cruise, format } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const options = await extractOptions('./.dependency-cruiser.js');
const { output: found } = await cruise(['src'], options, undefined, {
  tsConfig: extractTsConfig('tsconfig.json'),
});
if (typeof found === 'string') throw new TypeError('Expected the modules, got a report');

const { output, exitCode } = await format(found, { outputType: 'err' });
process.stdout.write(typeof output === 'string' ? output : JSON.stringify(output));
if (found.summary.totalCruised === 0) console.error('No modules were found: nothing has been checked');
if (exitCode !== 0 || found.summary.totalCruised === 0) process.exitCode = 1;
