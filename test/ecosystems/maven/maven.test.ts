import { maven } from '../../../src/ecosystems/maven/maven.ts';
import { ecosystemConformance } from '../../conformance/ecosystem.ts';

const artifact = (name: string, wanted: string, qualifiers?: Record<string, string>) => ({
  ecosystem: 'maven' as const,
  name,
  wanted,
  ...(qualifiers && { qualifiers }),
});
const name = 'org.example:left-pad';

ecosystemConformance(maven, {
  references: {
    'maven:org.example:left-pad:1.0': artifact(name, '1.0'),
    'maven:org.example:left-pad': artifact(name, 'latest'),
    'maven:org.example:left-pad:1.0:jar': artifact(name, '1.0'),
    'maven:org.example:left-pad:1.0:pom': artifact(name, '1.0', { type: 'pom' }),
    'maven:org.example:left-pad:1.0:jar:sources': artifact(name, '1.0', { classifier: 'sources' }),
    'maven:junit:junit:4.13.2': artifact('junit:junit', '4.13.2'),
    'pkg:maven/org.example/left-pad@1.0': artifact(name, '1.0'),
    'pkg:maven/org.example/left-pad': artifact(name, 'latest'),
    'pkg:maven/org.example/left-pad@1.0?type=war&classifier=all': artifact(name, '1.0', {
      type: 'war',
      classifier: 'all',
    }),
  },
  malformed: [
    'maven::',
    'maven:org.example:',
    'maven::left-pad:1.0',
    'maven:org..example:left-pad:1.0',
    'maven:../x:left-pad:1.0',
    'maven:org.example:../left-pad:1.0',
    'maven:org.example:left-pad:..',
    'maven:org.example:left-pad:1.0/../2',
    'maven:org.example:left-pad:1.0:jar:sources:more',
    'maven:org.example:left-pad:1.0:jar:a b',
    'maven:org.ехample:left-pad:1.0',
    'pkg:maven/left-pad@1.0',
    'pkg:maven/org.example/left-pad@1.0#sub',
    'pkg:maven/org.example/left-pad@1.0?os=linux',
    'pkg:maven/',
  ],
  requests: {
    '/org/example/left-pad/1.0/left-pad-1.0.jar': 'artifact',
    '/org/example/left-pad/1.0/left-pad-1.0.pom': 'artifact',
    '/org/example/left-pad/1.0/left-pad-1.0.module': 'artifact',
    '/org/example/left-pad/1.0/left-pad-1.0.war': 'artifact',
    '/org/example/left-pad/1.0/left-pad-1.0-sources.jar': 'artifact',
    '/org/example/left-pad/1.0/left-pad-1.0-bin.tar.gz': 'artifact',
    '/org/example/left-pad/1.0/left-pad-1.0.jar.asc': 'artifact',
    '/org/example/left-pad/1.0/left-pad-1.0.jar.sha1': 'digest',
    '/org/example/left-pad/1.0/left-pad-1.0.jar.asc.sha1': 'digest',
    '/org/example/left-pad/1.0/left-pad-1.0.jar.md5': 'metadata',
    '/org/example/left-pad/1.0/left-pad-1.0.jar.sha256': 'digest',
    '/org/example/left-pad/1.0/left-pad-1.0.jar.sha512': 'digest',
    '/org/example/left-pad/maven-metadata.xml': 'metadata',
    '/org/example/left-pad/maven-metadata.xml.sha1': 'digest',
    '/org/example/left-pad/1.0-SNAPSHOT/maven-metadata.xml': 'metadata',
    '/org/example/left-pad/1.0-SNAPSHOT/left-pad-1.0-20260102.030405-6.jar': 'artifact',
    '/org/example/left-pad/1.0-SNAPSHOT/left-pad-1.0-20260102.030405-6-tests.jar': 'artifact',
    // Another one tomorrow.
    '/org/example/left-pad/1.0-SNAPSHOT/left-pad-1.0-SNAPSHOT.jar': 'artifact',
    '/org/example/left-pad/1.0/left-pad-1.0': 'passthrough',
    '/org/example/left-pad/1.0/left-pad-1.01.jar': 'passthrough',
    '/org/example/left-pad/1.0/right-pad-1.0.jar': 'passthrough',
    '/org/example/left-pad/': 'passthrough',
    '/archetype-catalog.xml': 'passthrough',
    '/.meta/prefixes.txt': 'passthrough',
    '/': 'passthrough',
  },
  selects: artifact(name, 'latest'),
  selected: {
    version: '1.10',
    path: '/org/example/left-pad/1.10/left-pad-1.10.jar',
    digest: `sha1:${'0123456789'.repeat(4)}`,
  },
  documents: {
    listing: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<metadata modelVersion="1.1.0">
  <groupId>org.example</groupId>
  <artifactId>left-pad</artifactId>
  <versioning>
    <latest>2.0-SNAPSHOT</latest>
    <release>1.10</release>
    <versions><version>1.9</version><version>1.10</version><version>2.0-SNAPSHOT</version></versions>
  </versioning>
</metadata>`),
    document: Buffer.from('0123456789'.repeat(4)),
    listsNone: true,
  },
  globalConfig: '<settings><offline>false</offline></settings>',
  keeps: '<offline>false</offline>',
  beside: ['gradle'],
  stepsAside: [],
  goesThrough: ['mvn package', 'mvn -o verify', 'mvn -B deploy', 'mvn -Dx=y dependency:tree'],
});
