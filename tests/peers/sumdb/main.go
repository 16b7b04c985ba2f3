// Sumdb checks a transparency log, or the proof inside a bundle, with the packages that Go's own checksum database
// is checked with. It prints one line of JSON and ends with 0 or 1.
//
//	sumdb log FOLDER VKEY [OLD_CHECKPOINT...]
//	sumdb bundle BUNDLE VKEY
//
// VKEY is the log's verifier key (`name+hash+key`), or a file that holds it.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is C2SP's: a full tile holds 256 hashes.
const tileHeight = 8

func main() {
	said, err := run(os.Args[1:])
	if err != nil {
		said = map[string]any{"why": err.Error()}
	}
	said["verified"] = err == nil
	line, _ := json.Marshal(said)
	fmt.Println(string(line))
	if err != nil {
		os.Exit(1)
	}
}

func run(arguments []string) (map[string]any, error) {
	if len(arguments) < 3 || (arguments[0] == "bundle" && len(arguments) > 3) {
		return nil, errors.New("usage: sumdb log FOLDER VKEY [OLD_CHECKPOINT...] | sumdb bundle BUNDLE VKEY")
	}
	verifier, err := verifier(arguments[2])
	if err != nil {
		return nil, err
	}
	switch arguments[0] {
	case "log":
		return checkLog(arguments[1], verifier, arguments[3:])
	case "bundle":
		return checkBundle(arguments[1], verifier)
	}
	return nil, fmt.Errorf("unknown command %q: say `log` or `bundle`", arguments[0])
}

// checkLog proves every entry in the tree of the log's checkpoint, and every older tree to be a beginning of it.
func checkLog(folder string, verifier note.Verifier, older []string) (map[string]any, error) {
	tree, err := checkpointFile(filepath.Join(folder, "checkpoint"), verifier)
	if err != nil {
		return nil, err
	}
	hashes := tlog.TileHashReader(tree, tiles{folder})
	entries, err := entries(folder, tree.N)
	if err != nil {
		return nil, err
	}
	for n, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(n), hashes)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", n, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(n), tlog.RecordHash(entry)); err != nil {
			return nil, fmt.Errorf("entry %d: %w", n, err)
		}
	}
	sizes := []int64{}
	for _, path := range older {
		old, err := checkpointFile(path, verifier)
		if err != nil {
			return nil, err
		}
		if err := checkOlder(old, tree, hashes); err != nil {
			return nil, fmt.Errorf("%s, of size %d: %w", path, old.N, err)
		}
		sizes = append(sizes, old.N)
	}
	return map[string]any{"size": tree.N, "root": tree.Hash.String(), "entries": len(entries), "consistent": sizes}, nil
}

func checkOlder(old, tree tlog.Tree, hashes tlog.HashReader) error {
	if old.N > tree.N {
		return fmt.Errorf("it is larger than the log, of %d", tree.N)
	}
	if old.N == 0 {
		// Every tree begins with the empty one; there is nothing to prove.
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// checkBundle checks the proof that a bundle carries against the checkpoint that it carries.
func checkBundle(path string, verifier note.Verifier) (map[string]any, error) {
	var bundle struct {
		VerificationMaterial struct {
			TlogEntries []struct {
				CanonicalizedBody []byte
				InclusionProof    struct {
					LogIndex   int64 `json:",string"`
					TreeSize   int64 `json:",string"`
					RootHash   []byte
					Hashes     [][]byte
					Checkpoint struct{ Envelope string }
				}
			}
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &bundle); err != nil {
		return nil, err
	}
	entries := bundle.VerificationMaterial.TlogEntries
	if len(entries) != 1 {
		return nil, fmt.Errorf("one entry of a log is expected, %d are there", len(entries))
	}
	entry := entries[0]
	given := entry.InclusionProof
	tree, err := checkpoint([]byte(given.Checkpoint.Envelope), verifier)
	if err != nil {
		return nil, err
	}
	if given.TreeSize != tree.N || !bytes.Equal(given.RootHash, tree.Hash[:]) {
		return nil, errors.New("the proof is of another tree than its checkpoint")
	}
	proof := make(tlog.RecordProof, len(given.Hashes))
	for n, hash := range given.Hashes {
		if len(hash) != tlog.HashSize {
			return nil, fmt.Errorf("hash %d of the proof has %d bytes", n, len(hash))
		}
		copy(proof[n][:], hash)
	}
	leaf := tlog.RecordHash(entry.CanonicalizedBody)
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, given.LogIndex, leaf); err != nil {
		return nil, err
	}
	return map[string]any{"size": tree.N, "root": tree.Hash.String(), "index": given.LogIndex}, nil
}

func verifier(key string) (note.Verifier, error) {
	if text, err := os.ReadFile(key); err == nil {
		key = strings.TrimSpace(string(text))
	}
	return note.NewVerifier(key)
}

func checkpointFile(path string, verifier note.Verifier) (tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := checkpoint(text, verifier)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", path, err)
	}
	return tree, nil
}

// checkpoint opens C2SP's form of one, which Go's own database has another header for: origin, size, root, then lines
// that are not understood.
func checkpoint(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("the checkpoint is not one of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return tlog.Tree{}, fmt.Errorf("the checkpoint's size is %q", lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("the checkpoint's root is %q", lines[2])
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, nil
}

// entries reads every entry of a tree of this size: each is two bytes of length, then itself.
func entries(folder string, size int64) ([][]byte, error) {
	found := [][]byte{}
	for int64(len(found)) < size {
		tile := tlog.Tile{H: tileHeight, L: -1, N: int64(len(found)) >> tileHeight, W: width(size - int64(len(found)))}
		text, err := os.ReadFile(file(folder, tile))
		if err != nil {
			return nil, err
		}
		for n := 0; n < tile.W; n++ {
			if len(text) < 2 || len(text)-2 < int(binary.BigEndian.Uint16(text)) {
				return nil, fmt.Errorf("%s ends within entry %d", file(folder, tile), len(found))
			}
			end := 2 + int(binary.BigEndian.Uint16(text))
			found = append(found, text[2:end])
			text = text[end:]
		}
		if len(text) > 0 {
			return nil, fmt.Errorf("%s holds more than its %d entries", file(folder, tile), tile.W)
		}
	}
	return found, nil
}

func width(left int64) int {
	return int(min(left, 1<<tileHeight))
}

// file is where C2SP puts a tile: Go's own path without the height, and with another word for the entries.
func file(folder string, tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	return filepath.Join(folder, "tile", strings.Replace(path, "data/", "entries/", 1))
}

// tiles reads hashes from a folder. What it reads is checked against the root by tlog itself.
type tiles struct{ folder string }

func (t tiles) Height() int { return tileHeight }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for n, tile := range wanted {
		text, err := os.ReadFile(file(t.folder, tile))
		if err != nil {
			return nil, err
		}
		found[n] = text
	}
	return found, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
