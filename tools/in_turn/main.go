// kustomize-in-turn builds one folder after another with kustomize's own packages, at the version of the
// kustomize beside it: it starts once, loads the API schemas of Kubernetes once, and writes a document that
// it has written before from memory.
//
// A question on standard input is the length of a folder's name in bytes, a line feed, and the name. The
// answer on standard output is "built" or "failed", a space, the length of what follows, a line feed, and what
// `kustomize build FOLDER` would print, or its error. Whatever else happens ends the program: who asks must
// then ask kustomize itself.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// The bytes of documents that are remembered. What clusters share is far smaller.
const mostRemembered = 16 << 20

func main() {
	answers := bufio.NewWriter(os.Stdout)
	// What a package prints is no answer.
	os.Stdout = os.Stderr
	written := memory{}

	for folder := range questions(os.Stdin) {
		output, err := build(folder, &written)
		if err != nil {
			answer(answers, "failed", []byte(err.Error()))
		} else {
			answer(answers, "built", output)
		}
	}
}

// questions returns the folders that are asked for. When nobody is there to ask any more, the program ends,
// also in the middle of a build.
func questions(in io.Reader) <-chan string {
	folders := make(chan string)

	go func() {
		reader := bufio.NewReader(in)

		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				os.Exit(0)
			}
			length, err := strconv.ParseUint(strings.TrimSuffix(line, "\n"), 10, 16)
			if err != nil {
				fail("a question begins with a length: %v", err)
			}
			name := make([]byte, length)
			if _, err := io.ReadFull(reader, name); err != nil {
				fail("a question is cut: %v", err)
			}
			folders <- string(name)
		}
	}()

	return folders
}

func answer(out *bufio.Writer, word string, text []byte) {
	fmt.Fprintf(out, "%s %d\n", word, len(text))
	out.Write(text)
	if err := out.Flush(); err != nil {
		fail("an answer cannot be written: %v", err)
	}
}

// build does what `kustomize build FOLDER --load-restrictor LoadRestrictionsRootOnly` does.
func build(folder string, written *memory) ([]byte, error) {
	// A new file system and a new Kustomizer: files are read as they are now.
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified
	before := openapi.GetSchemaVersion()
	resources, err := krusty.MakeKustomizer(options).Run(newPlainBases(folder), folder)

	// A custom openapi: stays in the packages, and would change the merges of this and of later builds.
	if openapi.GetSchemaVersion() != before {
		fail("%s has an openapi: of its own", folder)
	}
	if err != nil {
		return nil, err
	}

	return written.asYaml(resources)
}

// memory holds the YAML of documents by what they were written from.
type memory struct {
	yaml map[[sha256.Size]byte][]byte
	size int
	key  []byte
}

// asYaml does what ResMap.AsYaml does. That writes, parses and writes each document again, which is half of the
// work of a build.
func (m *memory) asYaml(resources resmap.ResMap) ([]byte, error) {
	var all []byte

	for index, resource := range resources.Resources() {
		m.key = m.key[:0]
		isKeyed := m.addToKey(resource.YNode())
		key := sha256.Sum256(m.key)
		text, isKnown := m.yaml[key]

		if !isKeyed || !isKnown {
			var err error
			if text, err = resource.AsYAML(); err != nil {
				return nil, err
			}
		}
		if isKeyed && !isKnown {
			m.keep(key, text)
		}
		if index > 0 {
			all = append(all, "---\n"...)
		}
		all = append(all, text...)
	}

	return all, nil
}

// addToKey adds all that decides how a node is written; it returns false when that is more than its tree.
func (m *memory) addToKey(node *yaml.Node) bool {
	if node == nil || node.Alias != nil {
		return false
	}

	m.key = binary.AppendUvarint(m.key, uint64(node.Kind))
	m.key = binary.AppendUvarint(m.key, uint64(node.Style))
	for _, text := range []string{
		node.Tag, node.Value, node.Anchor, node.HeadComment, node.LineComment, node.FootComment,
	} {
		m.key = binary.AppendUvarint(m.key, uint64(len(text)))
		m.key = append(m.key, text...)
	}

	m.key = binary.AppendUvarint(m.key, uint64(len(node.Content)))
	for _, part := range node.Content {
		if !m.addToKey(part) {
			return false
		}
	}

	return true
}

func (m *memory) keep(key [sha256.Size]byte, text []byte) {
	if m.size += len(text); m.yaml == nil || m.size > mostRemembered {
		m.yaml, m.size = map[[sha256.Size]byte][]byte{}, len(text)
	}
	m.yaml[key] = text
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}
