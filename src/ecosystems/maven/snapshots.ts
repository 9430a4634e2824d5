/**
 * What a snapshot is at a time, by the maven-metadata.xml that lies beside its files.
 *
 * @see https://maven.apache.org/ref/3.9.9/maven-repository-metadata/repository-metadata.html
 * @module
 */
import { type Gav, isBuildOf, kindOf } from './names.ts';
import { childrenAt, textAt, type XmlElement } from './xml.ts';

/**
 * The version that the latest file of this kind has: that of its build, or the snapshot's own where its repository calls files
 * so. Undefined where what it says is none.
 */
export function latestOf(
  metadata: XmlElement,
  snapshot: string,
  wanted: Pick<Gav, 'type' | 'classifier'>,
): string | undefined {
  const { extension, classifier } = kindOf(wanted);
  const file = childrenAt(metadata, 'versioning', 'snapshotVersions', 'snapshotVersion').find(
    (each) => textAt(each, 'extension') === extension && textAt(each, 'classifier') === classifier,
  );
  const [time, number] = ['timestamp', 'buildNumber'].map((name) =>
    textAt(metadata, 'versioning', 'snapshot', name),
  );
  const latest = time === undefined ? snapshot : snapshot.replace(/SNAPSHOT$/, `${time}-${number}`);
  const version = (file && textAt(file, 'value')) ?? latest;
  return version === snapshot || isBuildOf(snapshot, version) ? version : undefined;
}
