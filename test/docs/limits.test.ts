/**
 * Every number in LIMITS.md, against the constant in the source that it tells of.
 *
 * @module
 */
import { describe, expect, it } from 'vitest';
import { type Key, settingOf } from '../../src/config/settings.ts';
import { formatBytes, formatDuration } from '../../src/content/format.ts';
import { page, table } from './markdown.ts';

const SEVEN_DAYS = 7 * 24 * 60 * 60 * 1000;
const binary = (bytes: number): string =>
  bytes >= 2 ** 30
    ? `${bytes / 2 ** 30} GiB`
    : bytes >= 2 ** 20
      ? `${bytes / 2 ** 20} MiB`
      : `${bytes / 2 ** 10} KiB`;
const asIs = String;
const setting = (key: Key) => settingOf(key).default;

/** Rows of LIMITS.md, and the constants that they tell of. */
const limits: Readonly<
  Record<string, readonly (readonly [path: string, name: string, as: (value: number) => string])[]>
> = {
  'one artifact of unknown size': [['content/verified', 'SIZE_LIMIT', binary]],
  'artifact verified before its first byte is sent': [
    ['resolve/transfer', 'WHOLE_LIMIT', binary],
    ['content/verified', 'HELD_BACK', binary],
  ],
  'artifact gathered in memory': [['resolve/transfer', 'MEMORY_LIMIT', binary]],
  'what waits in memory for one client to take it, of a layer': [['proxy/leaving', 'WAITING_LIMIT', binary]],
  'one document (packument), as sent and as decoded': [['proxy/documents', 'DOCUMENT_LIMIT', binary]],
  'documents in memory, where the cache cannot be written': [
    ['cache/memory-layer', 'DOCUMENTS_LIMIT', binary],
  ],
  'nesting of a document': [['ecosystems/npm/json-members', 'DEPTH_LIMIT', asIs]],
  'name of an npm package': [['ecosystems/npm/names', 'NAME_LIMIT', asIs]],
  'lockfile that is searched for the hosts it names': [['shims/npm-lockfile', 'SIZE_LIMIT', binary]],
  "lockfile by which npm's own cache is filled": [
    ['agent/pinned', 'LOCKFILE_LIMIT', binary],
    ['ecosystems/npm/lock-entries', 'ENTRIES_LIMIT', asIs],
  ],
  "document by which npm's choice of versions is followed": [['agent/following', 'DOCUMENT_LIMIT', binary]],
  'documents that wait for that in memory': [['agent/following', 'WAITING_LIMIT', binary]],
  'dependencies that are followed in one install': [['ecosystems/npm/follow', 'WANTS_LIMIT', asIs]],
  'versions of one package that are followed at a time': [['ecosystems/npm/follow', 'WANTS_AT_ONCE', asIs]],
  'times that one document is followed': [['ecosystems/npm/follow', 'ROUNDS', asIs]],
  'version, range or tag that is followed, in characters': [['ecosystems/npm/follow', 'SPEC_LIMIT', asIs]],
  'manifest of a project that is followed, in characters': [
    ['ecosystems/npm/follow', 'MANIFEST_LIMIT', asIs],
  ],
  "`integrity` of a lockfile's entry that is looked at, in characters": [
    ['ecosystems/npm/lockfile', 'INTEGRITY_LIMIT', asIs],
  ],
  'maven-metadata.xml, as sent and as decoded': [['ecosystems/maven/maven', 'METADATA_LIMIT', binary]],
  "file with a checksum, beside an artifact of Maven's": [
    ['proxy/declared', 'BESIDE_LIMIT', asIs],
    ['ecosystems/maven/documents', 'CHECKSUM_LIMIT', asIs],
  ],
  'elements within one another, in XML': [['ecosystems/maven/xml', 'DEPTH_LIMIT', asIs]],
  "path of a file in a repository of Maven's": [['ecosystems/maven/names', 'PATH_LIMIT', asIs]],
  "what a repository of Maven's has not": [['ecosystems/maven/maven', 'ABSENT_MS', formatDuration]],
  'absences that are remembered': [['proxy/absences', 'KEPT', asIs]],
  'message that Maven is asked to print': [['ecosystems/maven/refuse', 'PHRASE_LIMIT', asIs]],
  'poms of one project that are searched for repositories': [['shims/maven-settings', 'POMS_LIMIT', asIs]],
  'projects whose builds are remembered': [['agent/projects', 'PROJECTS_LIMIT', asIs]],
  'artifacts that are remembered of one project': [['agent/projects', 'ARTIFACTS_LIMIT', asIs]],
  "changes of a project's poms that an artifact outlives unasked for": [
    ['agent/projects', 'CHANGES_LIMIT', asIs],
  ],
  "directory of ours in Maven's local repository": [
    ['shims/local-repository', 'STALE_MS', (ms) => `${formatDuration(ms)} without a write`],
  ],
  'repositories of one project that are led to us': [
    ['shims/maven-settings', 'REPOSITORIES_LIMIT', asIs],
    ['shims/gradle-settings', 'REPOSITORIES_LIMIT', asIs],
  ],
  'scripts of one build by Gradle that are searched for repositories': [
    ['shims/gradle-settings', 'SCRIPTS_LIMIT', asIs],
  ],
  'one such script': [['shims/gradle-settings', 'SCRIPT_BYTES_LIMIT', binary]],
  'folders within one another that are searched for such scripts': [
    ['shims/gradle-settings', 'DEPTH_LIMIT', asIs],
  ],
  'mvn that is asked where it is installed': [['shims/maven-home', 'PATIENCE_MS', formatDuration]],
  'manifest or configuration of an image': [['ecosystems/oci/manifest', 'MANIFEST_LIMIT', binary]],
  'layers of an image, manifests of an index': [['ecosystems/oci/manifest', 'ENTRIES_LIMIT', asIs]],
  'indexes within one another': [['agent/pull-image-manifests', 'DEPTH_LIMIT', asIs]],
  'layer, unpacked': [
    ['agent/pull-image-blobs', 'UNPACKED_LIMIT', binary],
    ['agent/pull-image-blobs', 'UNPACKED_RATIO', asIs],
  ],
  'memory of a place that did not deliver a blob': [
    ['proxy/failing-places', 'MEMORY_MS', formatDuration],
    ['proxy/failing-places', 'ENTRIES', asIs],
  ],
  'layers that are fetched at once, by `pyrsia pull`': [['agent/pull-image', 'LAYERS_AT_ONCE', asIs]],
  'what refers to one manifest, such as signatures': [['agent/named-referrers', 'REFERRERS_LIMIT', asIs]],
  'one of those': [['agent/pull-referrers', 'REFERRER_SIZE_LIMIT', binary]],
  'name of an image': [['ecosystems/oci/names', 'NAME_LIMIT', asIs]],
  'challenge of a registry': [['ecosystems/oci/challenge', 'HEADER_LIMIT', asIs]],
  'answer with a token': [['proxy/registry-tokens', 'TOKEN_LIMIT', binary]],
  'token that does not say how long it holds': [
    ['proxy/registry-tokens', 'LIFETIME_MS', (ms) => `${ms / 1000} s`],
  ],
  'credential helper': [
    ['shims/registry-credentials', 'HELPER_TIMEOUT_MS', formatDuration],
    ['shims/registry-credentials', 'HELPER_LIMIT', binary],
  ],
  "file of a call of podman's, searched for the images it names": [
    ['shims/docker-bases', 'DOCKERFILE_LIMIT', binary],
  ],
  "hosts that a call of podman's, or such a file, mentions": [['shims/mirrored', 'HOSTS_LIMIT', asIs]],
  'engine that is asked whether it is there': [['command/load-image', 'ANSWER_TIMEOUT_MS', formatDuration]],
  "registry that docker's daemon asks for a digest's manifests": [
    ['proxy/docker-naming', 'NAMING_TIMEOUT_MS', formatDuration],
  ],
  "head of a request to docker's daemon": [['proxy/docker-reader', 'HEAD_LIMIT', binary]],
  'Dockerfile that is searched for the images it names': [['shims/docker-bases', 'DOCKERFILE_LIMIT', binary]],
  'name of an image there, and argument that it is made of': [
    ['ecosystems/oci/dockerfile', 'NAME_LIMIT', (length) => `${length} characters`],
  ],
  'calls of docker that begin at once without asking': [['agent/docker-spares', 'SPARES', asIs]],
  'socket that such a call has taken, and its launch': [
    ['agent/docker-spares', 'TAKEN_KEPT_MS', (ms) => `${ms / 1000} s`],
  ],
  "path of a launch's socket": [['agent/docker-launch', 'SOCKET_PATH_LIMIT', (bytes) => `${bytes} bytes`]],
  'account of those who ask without a launch': [['agent/walk-ins', 'SILENCE_MS', formatDuration]],
  'message that npm is asked to print': [['ecosystems/npm/refuse', 'NOTICE_LIMIT', asIs]],
  'commas and brackets of such a lockfile': [['ecosystems/npm/lock-entries', 'PARTS_LIMIT', asIs]],
  'names that such a lockfile gives one digest': [['ecosystems/npm/lockfile', 'NAMES_LIMIT', asIs]],
  'folders looked into to find what of it is depended on': [['ecosystems/npm/reached', 'LOOKS_LIMIT', asIs]],
  'folders above a workspace that are looked into for that': [
    ['ecosystems/npm/reached', 'FOLDERS_LIMIT', asIs],
  ],
  "temporary file of ours in npm's own cache": [['shims/npm-content', 'STALE_MS', formatDuration]],
  'making a connection': [['proxy/dispatchers', 'CONNECT_MS', formatDuration]],
  'tries of a request to an upstream': [
    ['proxy/upstream', 'ATTEMPTS', asIs],
    ['proxy/upstream', 'PAUSE_MS', formatDuration],
  ],
  'Retry-After that is waited for': [['proxy/upstream', 'RETRY_AFTER_LIMIT_MS', formatDuration]],
  'continuations of a transfer that breaks': [
    ['resolve/transfer', 'CONTINUATIONS', asIs],
    ['resolve/transfer', 'CONTINUE_AFTER_MS', formatDuration],
  ],
  'rest of an upstream that could not be reached': [['proxy/upstream', 'REST_MS', formatDuration]],
  'connections to one upstream': [['proxy/connections', 'CONNECTIONS', asIs]],
  'connections to one upstream that fetch what nobody has asked for yet': [
    ['proxy/connections', 'FEW', asIs],
    ['proxy/connections', 'QUICK_MS', formatDuration],
    ['proxy/connections', 'QUICK_RATE', asIs],
    ['proxy/connections', 'CONNECTIONS', asIs],
  ],
  'tool that is started later, so that what it lacks comes first': [
    ['agent/head-start', 'LONGEST_MS', formatDuration],
    ['agent/head-start', 'MANY', asIs],
    ['agent/head-start', 'FIRST_MS', formatDuration],
    ['agent/head-start', 'WORTH_MS', formatDuration],
    ['agent/head-start', 'START_MS', formatDuration],
  ],
  'wait for a connection that fetches ahead': [['proxy/connections', 'PATIENCE_MS', formatDuration]],
  'fetching ahead from an upstream that answers 429, or 503 with Retry-After': [
    ['proxy/upstream', 'LESS_MS', formatDuration],
  ],
  'failures in a row, of what is fetched ahead from one upstream': [['agent/fetch-ahead', 'FAILURES', asIs]],
  'signed note or checkpoint': [
    ['log/note', 'NOTE_LIMIT', binary],
    ['log/note', 'SIGNATURES_LIMIT', asIs],
  ],
  'policy file': [['log/policy', 'POLICY_LIMIT', binary]],
  'proof of a log': [
    ['log/proof', 'PROOF_LIMIT', binary],
    ['log/proof', 'HASHES_LIMIT', asIs],
  ],
  'request to a witness': [['log/witness', 'REQUEST_LIMIT', binary]],
  'passphrase of its keys': [['authority/keys', 'PASSPHRASE_LEAST', asIs]],
  'first entry of a batch': [['authority/single', 'BATCH_MS', formatDuration]],
  'entries of a batch': [['authority/single', 'BATCH_ENTRIES', asIs]],
  'entries that wait to be ordered': [['authority/single', 'WAITING_LIMIT', asIs]],
  'answer of a cosigner': [['authority/finality', 'ANSWER_MS', formatDuration]],
  'time of a batch': [['authority/cosigner', 'AHEAD_LIMIT', (s) => formatDuration(s * 1000)]],
  'batch that a cosigner reads': [['authority/single', 'BATCH_ENTRIES', (most) => `${most + 1} entries`]],
  'artifact that is looked at': [['content/chunks', 'LARGE', binary]],
  'what waits to be submitted by itself': [['agent/submitting', 'QUEUE_LIMIT', asIs]],
  'what was submitted, or could not be': [['agent/submitting', 'AGAIN_MS', formatDuration]],
  'artifacts that one submitter (an address, of IPv6 a /64) has looked at': [
    ['authority/allowance', 'ALLOWANCE', asIs],
  ],
  'entries that one answer to `find` lists': [['authority/finding', 'LISTED', asIs]],
  'request to it': [
    ['authority/server', 'REQUEST_LIMIT', binary],
    ['authority/server', 'REQUEST_MS', formatDuration],
  ],
  'connections at once': [['authority/server', 'CONNECTIONS_LIMIT', asIs]],
  'submission until it is final': [['authority/submissions', 'FINAL_MS', formatDuration]],
  'entry of any log': [['log/tiles', 'ENTRY_LIMIT', asIs]],
  'entry of ours': [
    ['log/entry', 'STATEMENT_LIMIT', binary],
    ['log/entry', 'DEPTH_LIMIT', asIs],
  ],
  'bucket of the index': [['log/buckets', 'BUCKET_LIMIT', binary]],
  'records since the last snapshot of it': [['log/index-files', 'RECENT_LIMIT', asIs]],
  'file of a network': [['log/network-file', 'NETWORK_LIMIT', binary]],
  'proof of a fork': [['log/fork', 'FORK_LIMIT', binary]],
  'file of a log, over HTTP': [
    ['proxy/http-tiles', 'FILE_MS', formatDuration],
    ['proxy/http-tiles', 'BYTES_PER_MS', (rate) => `${rate} kB/s`],
  ],
  'wait of an install for the log': [
    ['trust/look-ups', 'PATIENCE_MS', formatDuration],
    ['trust/look-ups', 'IMPATIENCE_MS', formatDuration],
  ],
  'entries of a bundle, hashes of a tile': [['log/tiles', 'TILE_WIDTH', asIs]],
  redirects: [['proxy/upstream', 'REDIRECTS', asIs]],
  'cache on the disk': [['cache/room', 'LOW_WATER', (share) => `${share * 100} %`]],
  'least `share.up`, `share.down`': [['config/settings', 'LEAST_RATE', formatBytes]],
  'wait of a miss for peers that answer in time': [['p2p/find/promptness', 'PATIENCE_MS', formatDuration]],
  'answer of a peer that nobody waits for': [
    ['p2p/find/questions', 'QUESTION_MS', formatDuration],
    ['p2p/find/promptness', 'LONGEST_REST_MS', formatDuration],
  ],
  'peers that one miss asks': [
    ['p2p/find/promptness', 'BEST', asIs],
    ['p2p/find/promptness', 'OTHERS', asIs],
  ],
  'digests that are asked for in advance': [
    ['p2p/find/discovery', 'PREPARED', asIs],
    ['p2p/find/discovery', 'PEERS_PREPARED', asIs],
  ],
  'what a peer has, as it said': [
    ['p2p/find/answers', 'HAS_MS', formatDuration],
    ['p2p/find/answers', 'LACKS_MS', formatDuration],
  ],
  'digests of which that is remembered, and peers for each': [
    ['p2p/find/answers', 'DIGESTS_KEPT', asIs],
    ['p2p/find/answers', 'HOLDERS_KEPT', asIs],
  ],
  'look for who has it, besides those connected': [
    ['p2p/find/discovery', 'FAR_MS', formatDuration],
    ['p2p/find/discovery', 'WALK_MS', formatDuration],
    ['p2p/find/discovery', 'NOT_FAR_MS', formatDuration],
  ],
  'digests that are looked for so at a time': [['p2p/find/discovery', 'FAR_AT_ONCE', asIs]],
  'peers connected to for one digest': [['p2p/find/discovery', 'REACHED', asIs]],
  'addresses at which one peer is tried': [['p2p/acquaintances', 'ADDRESSES_LIMIT', asIs]],
  'peers that a resident node tries, which have come to it': [
    ['p2p/table/keep-table', 'TRIED', (count) => `${count} a minute`],
    ['p2p/table/keep-table', 'DIAL_MS', (ms) => `each ${formatDuration(ms)}`],
    ['p2p/table/keep-table', 'UNREACHED_KEPT', asIs],
  ],
  'hours within which something is given': [
    ['config/hours', 'SPANS_LIMIT', asIs],
    ['agent/sharing-hours', 'LOOK_MS', formatDuration],
  ],
  'peers to which connections are kept up': [['p2p/acquaintances', 'KEPT_UP', asIs]],
  'names that a neighbour may ask for, of what registries have said': [
    ['p2p/wire/said', 'NAMES_LIMIT', asIs],
    ['p2p/serve/allowance', 'NAMES_ALLOWED', asIs],
    ['p2p/serve/allowance', 'ALL_NAMES_ALLOWED', asIs],
    ['p2p/serve/allowance', 'NAMES_PER_SECOND', asIs],
    ['p2p/serve/allowance', 'ALL_NAMES_PER_SECOND', (count) => `${count} a second`],
  ],
  'copies of one document that a neighbour names': [['p2p/wire/said', 'COPIES_LIMIT', asIs]],
  'document of a registry that neighbours give each other': [
    ['p2p/wire/said', 'COPY_LIMIT', binary],
    ['cache/lent', 'LENT_LIMIT', binary],
  ],
  'files of such documents that are lent': [['cache/lent', 'FILES_LIMIT', binary]],
  'documents that neighbours can ask for': [['cache/lent', 'PLACES_LIMIT', asIs]],
  'neighbours that are asked what a registry has said': [
    ['p2p/find/copies', 'ASKED', asIs],
    ['p2p/find/copies', 'ANSWER_MS', (ms) => `each ${formatDuration(ms)}`],
  ],
  'clock of a neighbour that has seen something': [['p2p/find/copies', 'AHEAD_MS', formatDuration]],
  'copies of one document that are tried': [
    ['proxy/copies', 'TRIED', asIs],
    ['proxy/copies', 'COMES_WITHIN_MS', (ms) => `each ${formatDuration(ms)}`],
  ],
  'peers that a peer has us ask for it': [
    ['p2p/serve/hints', 'PER_SECOND', asIs],
    ['p2p/serve/hints', 'ASKED_FOR', asIs],
  ],
  'records of one peer in the hash table': [['p2p/table/provider-records', 'RECORDS_PER_PEER', asIs]],
  'records for one key there': [['p2p/table/provider-records', 'RECORDS_PER_KEY', asIs]],
  'records there in all': [['p2p/table/provider-records', 'RECORDS_LIMIT', asIs]],
  'record in the hash table': [
    ['p2p/table/provider-records', 'RECORD_MS', formatDuration],
    ['p2p/table/provider-records', 'REPROVIDE_MS', formatDuration],
  ],
  'sets of which a resident node has records': [['p2p/table/providing', 'SETS_LIMIT', asIs]],
  'addresses of a provider': [['p2p/table/table', 'ADDRESSES', asIs]],
  'newcomers in the list of peers': [['p2p/host/prune', 'NEWCOMERS', asIs]],
  'peers of which something was said, in bytes of their file': [['p2p/said-of-peers', 'SAID_LIMIT', binary]],
  'addresses that one peer was added with': [['p2p/said-of-peers', 'ADDRESSES_LIMIT', asIs]],
  'connections with peers': [['p2p/host/host', 'CONNECTION_LIMIT', asIs]],
  'connections that one public address opens': [
    ['p2p/host/host', 'CONNECTIONS_A_SECOND', (count) => `${count} a second`],
  ],
  'connections from public addresses of which nobody knows yet whose they are': [
    ['p2p/host/host', 'PENDING_LIMIT', asIs],
  ],
  'handshake with a peer': [['p2p/host/native-tls', 'HANDSHAKE_MS', formatDuration]],
  'certificate of a peer': [['p2p/host/peer-certificate', 'CERTIFICATE_LIMIT', binary]],
  'peer that does not end a connection which we close': [['p2p/host/tls-stream', 'CLOSE_MS', formatDuration]],
  'membership of a private network': [['p2p/members/membership', 'MEMBER_S', (s) => `${s / 86_400} days`]],
  'membership that admits others': [['p2p/members/membership', 'ADMITS_S', (s) => `${s / 86_400} days`]],
  'clock of another member': [['p2p/members/membership', 'AHEAD_S', (s) => formatDuration(s * 1000)]],
  'card of a member, in characters': [['p2p/members/membership', 'CARD_LIMIT', asIs]],
  'token to join by': [
    ['p2p/members/join-token', 'TOKEN_S', (s) => `${s / 3600} h`],
    ['p2p/members/join-token', 'TOKEN_LIMIT', asIs],
  ],
  'addresses in a token': [['p2p/members/join-token', 'ADDRESSES_LIMIT', asIs]],
  'invitations that are open': [['p2p/members/member-files', 'INVITATIONS_LIMIT', asIs]],
  'revocations of one network': [['p2p/members/member-files', 'REVOCATIONS_LIMIT', asIs]],
  'proof that a peer is a member': [
    ['p2p/members/member-guard', 'HANDSHAKE_MS', formatDuration],
    ['p2p/members/member-guard', 'WAITING_LIMIT', asIs],
  ],
  'look at those who are connected, whether they still are members': [
    ['p2p/members/member-guard', 'LOOK_MS', formatDuration],
  ],
  'members telling each other what they have heard': [
    ['p2p/members/member-guard', 'TELL_MS', formatDuration],
  ],
  'frames of members': [['p2p/members/member-talk', 'LARGE', binary]],
  'being let in': [['p2p/members/join', 'JOIN_MS', formatDuration]],
  'content that is cut into chunks of 1 MiB': [
    ['content/chunks', 'LARGE', binary],
    ['content/chunks', 'LARGE_CHUNK', binary],
  ],
  'memory for chunks that waits to be used again': [['content/buffers', 'MOST', binary]],
  'chunks of one fetch in memory': [['p2p/fetch/window', 'WINDOW', binary]],
  'content from peers where nobody vouches for a list of its chunks': [
    ['p2p/fetch/fetching', 'PLAIN_LIMIT', binary],
  ],
  'list of chunks, as it comes from a peer': [['p2p/lists/chunk-list', 'LIST_LIMIT', binary]],
  'list of chunks that a peer has to make': [
    ['p2p/fetch/proving', 'LIST_MS', formatDuration],
    ['p2p/fetch/proving', 'SLOW_DISK', (rate) => `${formatBytes(rate)}/s`],
  ],
  'lists of chunks that are kept to be given': [['p2p/serve/list-maker', 'KEPT', binary]],
  'files that wait to be read for a list of their chunks': [['p2p/serve/list-maker', 'WAITING', asIs]],
  'requests for chunks on their way to one peer': [
    ['p2p/fetch/share-out', 'LEAST_REQUESTS', (count) => `then ${count}`],
    ['p2p/fetch/share-out', 'MOST_REQUESTS', (count) => `to ${count}`],
  ],
  'peers that are asked for one chunk at a time': [['p2p/fetch/dispatch', 'ASKS_LIMIT', asIs]],
  'chunk that a peer was asked for': [
    ['p2p/fetch/team', 'ANSWER_MS', formatDuration],
    ['p2p/fetch/team', 'LEAST_RATE', (rate) => `${binary(rate)}/s`],
  ],
  'peer to which content is still arriving': [
    ['p2p/fetch/growing', 'LOOK_MS', formatDuration],
    ['p2p/fetch/growing', 'LONGEST_LOOK_MS', formatDuration],
    ['p2p/fetch/growing', 'STANDING_MS', formatDuration],
  ],
  'such a peer that has not what it said': [['p2p/fetch/growing', 'NOT_THERE', asIs]],
  'content that has arrived, and is given though it is not bound yet': [['cache/arriving', 'ARRIVED', asIs]],
  'times that a peer is busy, in a row': [['p2p/fetch/team', 'BUSY_LIMIT', asIs]],
  'peers that are remembered': [['p2p/book/peer-book', 'PEERS_LIMIT', asIs]],
  'addresses that are remembered of a peer that was found': [['p2p/book/peer-book', 'ADDRESSES_LIMIT', asIs]],
  'book of peers': [['p2p/book/peer-book', 'FILE_LIMIT', binary]],
  'change to the book that is not yet written down': [
    ['p2p/book/peer-book', 'WRITE_AFTER_MS', formatDuration],
  ],
  'wrong chunks of one peer within 7 days': [
    ['p2p/book/peer-score', 'BAN_AT', asIs],
    ['p2p/book/peer-score', 'FIRST_BAN', formatDuration],
    ['p2p/book/peer-score', 'LONGEST_BAN', (ms) => `${ms / 86_400_000} days`],
  ],
  'wrong list of chunks that a peer has signed': [
    ['p2p/book/peer-score', 'LONGEST_BAN', (ms) => `${ms / 86_400_000} days`],
  ],
  'streams on which one peer asks for content': [['p2p/serve/allowance', 'LANES_LIMIT', asIs]],
  'such streams of all peers': [['p2p/serve/allowance', 'ALL_LANES_LIMIT', asIs]],
  'requests of one peer that wait': [['p2p/serve/allowance', 'QUEUED_LIMIT', asIs]],
  'content that is asked for at once': [['p2p/wire/wire', 'LENGTH_LIMIT', binary]],
  'content on its way to one peer': [['p2p/serve/allowance', 'IN_FLIGHT_LIMIT', binary]],
  'streams on which one peer asks what there is': [['p2p/serve/allowance', 'ASKING_LIMIT', asIs]],
  'digests in one question': [['p2p/wire/wire', 'DIGESTS_LIMIT', asIs]],
  'message of such a stream': [['p2p/wire/wire', 'FRAME_LIMIT', binary]],
  'questions of one peer': [['p2p/serve/allowance', 'QUESTIONS_PER_SECOND', (count) => `${count} a second`]],
  'questions of all peers': [
    ['p2p/serve/allowance', 'ALL_QUESTIONS_PER_SECOND', (count) => `${count} a second`],
  ],
  'peers that an answer names, and addresses of each': [
    ['p2p/wire/wire', 'HINTS_LIMIT', asIs],
    ['p2p/wire/wire', 'ADDRESSES_LIMIT', (count) => `and ${count}`],
  ],
  'silence of an upstream, to everybody, where somebody can do without its word': [
    ['proxy/silence', 'SILENCE_MS', formatDuration],
  ],
  'silence of one who may ask': [['p2p/serve/allowance', 'IDLE', formatDuration]],
  'silence of one who may be asked, before we close the stream': [
    ['p2p/fetch/ask-lane', 'UNUSED', formatDuration],
  ],
  'peer that sends or takes too little': [
    ['p2p/wire/pace', 'PATIENCE', formatDuration],
    ['p2p/wire/pace', 'LEAST_RATE', (rate) => `${binary(rate)} a second`],
  ],
  'answer of a peer to what it has': [['p2p/wire/question-stream', 'ANSWER_LIMIT', formatDuration]],
  'answer that `share.up` would make too late': [
    ['p2p/wire/pace', 'PATIENCE', (ms) => formatDuration(ms / 2)],
    ['p2p/wire/pace', 'LEAST_RATE', (rate) => `${binary(rate)} a second`],
  ],
  'frame in which streams are carried': [['p2p/host/bounded-yamux', 'MUXER_FRAME_LIMIT', binary]],
  'requests to one peer on their way': [
    ['p2p/fetch/ask-lane', 'REQUESTS_LIMIT', asIs],
    ['p2p/serve/allowance', 'IN_FLIGHT_LIMIT', binary],
  ],
  'places where nothing is given': [
    ['p2p/quiet-places', 'PLACES_LIMIT', asIs],
    ['p2p/quiet-places', 'FILE_LIMIT', binary],
  ],
  'pings by one command': [['agent/peer-requests', 'PINGS_LIMIT', asIs]],
  'least `cache.limit`': [['config/settings', 'LEAST_CACHE', formatBytes]],
  'partial content that nobody continues': [
    ['cache/verify', 'STALE_MS', (ms) => `${(7 * ms) / SEVEN_DAYS} days`],
  ],
  'last use that is not yet written down': [['cache/write-behind', 'DELAY_MS', formatDuration]],
  'agent that nobody calls after its start': [['control/lifecycle', 'FIRST_CLIENT_MS', formatDuration]],
  'start of the agent': [['control/client', 'START_TIMEOUT_MS', formatDuration]],
  'greeting of the agent': [['control/connection', 'HELLO_TIMEOUT_MS', formatDuration]],
  'answer of the agent to a launch, and to its end': [
    ['command/run-wrapped', 'ANSWER_TIMEOUT_MS', formatDuration],
  ],
  'answer of the agent to a shim': [
    ['shim', 'ANSWER_TIMEOUT_MS', formatDuration],
    ['shim', 'START_TIMEOUT_MS', formatDuration],
  ],
  'shims below one another': [['shims/shim-decides', 'DEPTH_LIMIT', asIs]],
  'end of an agent at `pyrsia uninstall`': [['control/ending', 'PATIENCE_MS', formatDuration]],
  'end of the agent': [['control/lifecycle', 'CLOSE_TIMEOUT_MS', formatDuration]],
  'launch whose process is gone': [['shims/launches', 'LOOK_EVERY_MS', formatDuration]],
  'launch that nobody tells the agent of': [['shims/launches', 'SEARCH_EVERY_MS', formatDuration]],
  'launch file that cannot be taken up': [['shims/launches', 'REFUSED_KEPT_MS', formatDuration]],
  'answers that stand-ins may have followed': [['agent/quick-answers', 'KEPT', asIs]],
  'global configuration that a stand-in copies': [['shims/quick-file', 'LINES_LIMIT', asIs]],
  'arguments that a stand-in hands on by itself': [['shims/shim-leads', 'ARGUMENTS_LIMIT', asIs]],
  'receipts that `pyrsia why` waits for': [['commands/why', 'SETTLE_TIMEOUT_MS', formatDuration]],
  'version manager that is asked which Node it starts': [
    ['shims/node-finder', 'START_TIMEOUT_MS', formatDuration],
  ],
  'scopes with registries of their own': [['shims/npm-settings', 'SCOPES_LIMIT', asIs]],
  'launch file': [['shims/launch', 'LAUNCH_LIMIT', binary]],
  'message to the agent, and from it': [
    ['control/server', 'LINE_LIMIT', binary],
    ['control/connection', 'LINE_LIMIT', binary],
  ],
  'progress that a command does not read': [['control/server', 'BACKLOG_LIMIT', binary]],
  'path of the agent’s socket': [['control/directory', 'SOCKET_PATH_LIMIT', asIs]],
  'log of the agent': [['control/log', 'LOG_LIMIT', formatBytes]],
  'receipts kept': [['resolve/kept-receipts', 'KEPT', asIs]],
  'refusals that `trust accept` can lift': [['agent/contradictions', 'KEPT', asIs]],
  'answer of a shell that is asked where its files are': [['shims/ask-shells', 'ANSWER_MS', formatDuration]],
  'tries to change a file that others change at the same time': [['shims/edit-file', 'ATTEMPTS', asIs]],
  'configuration file': [['config/config-file', 'FILE_LIMIT', binary]],
  'one check of `pyrsia doctor`': [['doctor/examine', 'CHECK_MS', formatDuration]],
  'answer of a registry to `pyrsia doctor`': [['doctor/asked', 'ANSWER_MS', formatDuration]],
  'clock of this machine': [['doctor/clock', 'OFF_MS', formatDuration]],
  'free disk space': [['doctor/cache-room', 'LITTLE', formatBytes]],
};

/** Rows whose number is no constant, and where else it is held. */
const settingsIn: Readonly<Record<string, string>> = {
  'silence of an upstream': setting('upstream.timeout').replace('s', ' s'),
  'agent without anything to do': setting('agent.idle').replace('m', ' min'),
  "copies into npm's own cache, by one command": setting('npm.fill.max').replace('GB', ' GB'),
  'duration in a setting': '24 days',
  'what is remembered of a version (its binding)': '12 kB',
};

const numberIn = (text: string): number => Number(text.replaceAll('_', ''));

/** The value of a constant in the source: a number, or a product of powers. */
function constant(path: string, name: string): number {
  const source = page(`src/${path}.ts`);
  const [, expression] =
    new RegExp(String.raw`const ${name} = ([\d_.]+(?: \*{1,2} [\d_.]+)*);`).exec(source) ?? [];
  if (expression === undefined) throw new Error(`src/${path}.ts has no number ${name}`);
  return expression
    .split(' * ')
    .map((factor) =>
      factor
        .split(' ** ')
        .map(numberIn)
        .reduce((base, power) => base ** power),
    )
    .reduce((product, factor) => product * factor);
}

describe('LIMITS.md', () => {
  const headings = page('LIMITS.md')
    .match(/^## .*$/gm)!
    .filter((heading) => heading !== '## Known gaps');
  const rows = headings.flatMap((heading) => table('LIMITS.md', heading));
  const textOf = Object.fromEntries(
    rows.map((row) => [row['what']!, Object.values(row).slice(1).join(' | ')]),
  );

  it('has the rows that this test knows, and no others', () => {
    expect(Object.keys(textOf).toSorted()).toEqual(
      [...Object.keys(limits), ...Object.keys(settingsIn)].toSorted(),
    );
  });

  it.each(Object.entries(limits))('says of %s what the source says', (what, constants) => {
    for (const [path, name, as] of constants) {
      const number = new RegExp(String.raw`(?<![\d.])${as(constant(path, name))}(?!\d)`);
      expect(textOf[what]).toMatch(number);
    }
  });

  it.each(Object.entries(settingsIn))('says of %s: %s', (what, value) => {
    expect(textOf[what]).toContain(value);
  });
});
