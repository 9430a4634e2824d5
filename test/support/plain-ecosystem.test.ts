import { digestOf } from '../../src/content/digest.ts';
import { ecosystemConformance } from '../conformance/ecosystem.ts';
import { plain } from './plain-ecosystem.ts';

const digest = digestOf(Buffer.from('apple'), 'sha256');
const listing = Buffer.from(JSON.stringify({ name: 'apple', versions: { '1.0': digest, '2.0': digest } }));

ecosystemConformance(plain, {
  references: { 'plain:apple@1.0': { ecosystem: 'npm', name: 'apple', wanted: '1.0' } },
  malformed: ['plain:', 'plain:Apple', 'plain:../x@1'],
  requests: {
    '/apple': 'metadata',
    '/apple/1.0/file': 'artifact',
    '/ask': 'passthrough',
    '/hello': 'answer',
  },
  selects: { ecosystem: 'npm', name: 'apple', wanted: '1.0' },
  selected: { version: '1.0', path: '/apple/1.0/file', digest },
  documents: { listing, document: listing },
  stepsAside: ['plain upload'],
  goesThrough: ['plain download'],
});
