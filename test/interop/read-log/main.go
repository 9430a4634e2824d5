// Reads a log that Pyrsia wrote with nothing of Pyrsia's: hashes, proofs and Ed25519 signatures are those of
// golang.org/x/mod/sumdb, and of Go's own crypto/ed25519 for cosignatures, which that does not know.
//
//	interop DIRECTORY LOG-KEY [COSIGNER-KEY]…
//
// DIRECTORY has the tiles, one or more files checkpoint*, each signed by all, and any number of proofs, *.tlog-proof.
// It prints one line of JSON, or what is wrong, with exit code 1.
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	found, err := read(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	line, _ := json.Marshal(found)
	fmt.Println(string(line))
}

// What was read, and found in order.
type report struct {
	Checkpoints int `json:"checkpoints"`
	Signatures  int `json:"signatures"`
	Entries     int `json:"entries"`
	Inclusions  int `json:"inclusions"`
	Consistent  int `json:"consistent"`
	Proofs      int `json:"proofs"`
}

type checkpoint struct {
	tree tlog.Tree
	sigs int
}

func read(dir, logKey string, cosignerKeys []string) (*report, error) {
	log, err := note.NewVerifier(logKey)
	if err != nil {
		return nil, err
	}
	known := []note.Verifier{log}
	for _, key := range cosignerKeys {
		cosigner, err := newCosigner(key)
		if err != nil {
			return nil, err
		}
		known = append(known, cosigner)
	}
	open := func(text []byte) (*checkpoint, error) { return openCheckpoint(text, log.Name(), known) }

	files, _ := filepath.Glob(filepath.Join(dir, "checkpoint*"))
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no checkpoint", dir)
	}
	found := &report{Checkpoints: len(files)}
	var kept []*checkpoint
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		each, err := open(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		found.Signatures += each.sigs
		kept = append(kept, each)
	}
	sort.Slice(kept, func(i, j int) bool { return kept[i].tree.N < kept[j].tree.N })
	last := kept[len(kept)-1].tree

	// The tree, computed from the entries alone.
	entries, err := readEntries(dir, last.N)
	if err != nil {
		return nil, err
	}
	found.Entries = len(entries)
	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, stored[index])
		}
		return out, nil
	})
	for i, entry := range entries {
		more, err := tlog.StoredHashes(int64(i), entry, hashes)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
	}
	for _, each := range kept {
		root := tlog.Hash(sha256.Sum256(nil))
		// Of an empty tree some versions give another hash than RFC 6962.
		if each.tree.N > 0 {
			if root, err = tlog.TreeHash(each.tree.N, hashes); err != nil {
				return nil, err
			}
		}
		if root != each.tree.Hash {
			return nil, fmt.Errorf("the root of %d entries is %v, signed is %v", each.tree.N, root, each.tree.Hash)
		}
	}

	// Proofs of all entries, and of one in 64 once more from the tiles alone, which takes longer.
	tiles := tlog.TileHashReader(last, tileReader(dir))
	for i, entry := range entries {
		for kind, from := range []tlog.HashReader{hashes, tiles} {
			if kind == 1 && i%64 != 0 && i < len(entries)-1 {
				continue
			}
			proof, err := tlog.ProveRecord(last.N, int64(i), from)
			if err != nil {
				return nil, err
			}
			if err := tlog.CheckRecord(proof, last.N, last.Hash, int64(i), tlog.RecordHash(entry)); err != nil {
				return nil, fmt.Errorf("entry %d: %w", i, err)
			}
		}
		found.Inclusions++
	}
	for i, newer := range kept {
		for _, older := range kept[:i] {
			if older.tree.N == 0 || older.tree.N == newer.tree.N {
				continue
			}
			proof, err := tlog.ProveTree(newer.tree.N, older.tree.N, tiles)
			if err != nil {
				return nil, err
			}
			if err := tlog.CheckTree(proof, newer.tree.N, newer.tree.Hash, older.tree.N, older.tree.Hash); err != nil {
				return nil, fmt.Errorf("%d does not extend %d: %w", newer.tree.N, older.tree.N, err)
			}
			found.Consistent++
		}
	}

	proofs, _ := filepath.Glob(filepath.Join(dir, "*.tlog-proof"))
	for _, file := range proofs {
		if err := checkProof(file, entries, open); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		found.Proofs++
	}
	return found, nil
}

// openCheckpoint demands a good signature of every key.
func openCheckpoint(text []byte, origin string, known []note.Verifier) (*checkpoint, error) {
	opened, err := note.Open(text, note.VerifierList(known...))
	if err != nil {
		return nil, err
	}
	if len(opened.Sigs) != len(known) || len(opened.UnverifiedSigs) > 0 {
		return nil, fmt.Errorf("%d of %d signatures, and %d unknown ones", len(opened.Sigs), len(known), len(opened.UnverifiedSigs))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != origin {
		return nil, fmt.Errorf("the text is %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return nil, err
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil {
		return nil, err
	}
	return &checkpoint{tlog.Tree{N: size, Hash: hash}, len(opened.Sigs)}, nil
}

// checkProof reads a c2sp.org/tlog-proof@v1.
func checkProof(file string, entries [][]byte, open func([]byte) (*checkpoint, error)) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, signed, _ := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("it begins with %q", head)
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	in, err := open(signed)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, in.tree.N, in.tree.Hash, index, tlog.RecordHash(entries[index]))
}

// path is that of c2sp.org/tlog-tiles; Go's own has the height of the tile in it.
func path(level string, index int64, width int) string {
	name := fmt.Sprintf("%03d", index%1000)
	for index /= 1000; index > 0; index /= 1000 {
		name = fmt.Sprintf("x%03d/%s", index%1000, name)
	}
	if width < 256 {
		name += fmt.Sprintf(".p/%d", width)
	}
	return filepath.Join("tile", level, name)
}

func readEntries(dir string, size int64) ([][]byte, error) {
	var entries [][]byte
	for bundle := int64(0); bundle*256 < size; bundle++ {
		width := size - bundle*256
		if width > 256 {
			width = 256
		}
		bytes, err := os.ReadFile(filepath.Join(dir, path("entries", bundle, int(width))))
		if err != nil {
			return nil, err
		}
		for ; width > 0; width-- {
			if len(bytes) < 2 || len(bytes)-2 < int(binary.BigEndian.Uint16(bytes)) {
				return nil, fmt.Errorf("bundle %d ends early", bundle)
			}
			end := 2 + int(binary.BigEndian.Uint16(bytes))
			entries = append(entries, bytes[2:end])
			bytes = bytes[end:]
		}
		if len(bytes) > 0 {
			return nil, fmt.Errorf("bundle %d has %d bytes too many", bundle, len(bytes))
		}
	}
	return entries, nil
}

type tileReader string

func (tileReader) Height() int                     { return 8 }
func (tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
func (dir tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(string(dir), path(strconv.Itoa(tile.L), tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// A cosigner checks c2sp.org/tlog-cosignature, version 1.
type cosigner struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func newCosigner(text string) (*cosigner, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("%q is no verifier key", text)
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != 4 {
		return nil, fmt.Errorf("%q is no key of a cosigner", text)
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	id := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", id) != parts[1] {
		return nil, fmt.Errorf("%q has another key ID than %08x", text, id)
	}
	return &cosigner{parts[0], id, key[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.id }
func (c *cosigner) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), text)
	return ed25519.Verify(c.key, []byte(signed), sig[8:])
}
