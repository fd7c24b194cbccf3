package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	kustomization = "kustomization.yaml"
	// How the names begin under which a folder has the files of its plain bases.
	ofPlainBase = "of-plain-base-"
)

var (
	// The beginning of a kustomization, in the only form that is looked for: nothing that stands before the
	// list can change what its lines mean.
	listing = regexp.MustCompile(
		`\A((?:#[ -~]*\n)*apiVersion: kustomize\.config\.k8s\.io/v1beta1\nkind: Kustomization\nresources:\n)` +
			`((?:- [\w./-]+\n)+)`,
	)
	// Names that are a text to YAML, and no address to kustomize.
	outside = regexp.MustCompile(`\A(?:\.\./)+\w[\w.-]*(?:/\w[\w.-]*)*\z`)
	beside  = regexp.MustCompile(`\A[0-9A-Za-z][\w.-]*\.yaml\z`)
)

// plainBases is the disk, where the kustomization of one folder lists files of its plain bases instead of
// these. A base is plain when its kustomization lists files that lie beside it, and has no other field: it
// changes nothing, so its objects are those of its files. For each kustomization that kustomize reads, it
// copies, merges and sorts its whole configuration, which is a quarter of its work for 20 objects.
type plainBases struct {
	filesys.FileSystem
	folder filesys.ConfirmedDir
	// The kustomization, until it has been read: who reads it once more wants it as data.
	text []byte
	// The files of the bases by their paths here, which are below the folder: bases may read no others.
	files map[string]string
}

// newPlainBases returns the disk for one build; it is as it is wherever something is not certain.
func newPlainBases(folder string) filesys.FileSystem {
	disk := filesys.MakeFsOnDisk()
	root, err := filesys.ConfirmDir(disk, folder)
	if err != nil {
		return disk
	}

	text := readFile(root.Join(kustomization))
	head, list, rest := split(text)
	// An escape may spell the name of a file that is not there.
	if list == nil || bytes.Contains(text, []byte(ofPlainBase)) || bytes.Contains(text, []byte(`\`)) {
		return disk
	}

	bases := &plainBases{disk, root, nil, map[string]string{}}
	lines := []string{head}
	for _, entry := range list {
		files := bases.filesOf(entry)
		if files == nil {
			lines = append(lines, "- "+entry+"\n")
		}
		for _, file := range files {
			name := fmt.Sprintf("%s%d.yaml", ofPlainBase, len(bases.files))
			bases.files[root.Join(name)] = file
			lines = append(lines, "- "+name+"\n")
		}
	}
	bases.text = []byte(strings.Join(lines, "") + rest)

	return bases
}

// split returns what stands before the list of a kustomization, its entries, and what stands behind it; no
// entries where that is not certain.
func split(text []byte) (head string, list []string, rest string) {
	found := listing.FindSubmatch(text)
	if found == nil {
		return
	}

	rest = string(text[len(found[0]):])
	if rest != "" && (rest[0] < 'a' || rest[0] > 'z') {
		return
	}

	lines := strings.TrimSuffix(strings.TrimPrefix(string(found[2]), "- "), "\n")
	return string(found[1]), strings.Split(lines, "\n- "), rest
}

// filesOf returns the files of a plain base; none for any other entry.
func (b *plainBases) filesOf(entry string) []string {
	if !outside.MatchString(entry) {
		return nil
	}

	base, err := filesys.ConfirmDir(b.FileSystem, b.folder.Join(entry))
	// kustomize takes a base that contains the folder for a cycle.
	if err != nil || b.folder.HasPrefix(base) {
		return nil
	}

	_, list, rest := split(readFile(base.Join(kustomization)))
	if rest != "" || b.Exists(base.Join("kustomization.yml")) || b.Exists(base.Join("Kustomization")) {
		return nil
	}

	var files []string
	for _, name := range list {
		file := base.Join(name)
		if !beside.MatchString(name) || !isFile(file) {
			return nil
		}
		files = append(files, file)
	}

	return files
}

// ReadFile returns the content of a file.
func (b *plainBases) ReadFile(path string) ([]byte, error) {
	if b.text != nil && path == b.folder.Join(kustomization) {
		text := b.text
		b.text = nil
		return text, nil
	}
	if file, isOfBase := b.files[path]; isOfBase {
		path = file
	}

	return b.FileSystem.ReadFile(path)
}

// CleanedAbs returns the folder and the name of a file, by which kustomize decides whether it may be read.
func (b *plainBases) CleanedAbs(path string) (filesys.ConfirmedDir, string, error) {
	if _, isOfBase := b.files[path]; isOfBase {
		return b.folder, filepath.Base(path), nil
	}

	return b.FileSystem.CleanedAbs(path)
}

// readFile returns the content of a file that is no link; nothing where there is none.
func readFile(path string) []byte {
	if !isFile(path) {
		return nil
	}
	text, _ := os.ReadFile(path)

	return text
}

func isFile(path string) bool {
	status, err := os.Lstat(path)
	return err == nil && status.Mode().IsRegular()
}
