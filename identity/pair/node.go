package pair

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A node is a value of JSON or of YAML, as far as a key file has any.
type node struct {
	form  form
	line  int
	text  string
	items []*node // of a mapping: keys and values in turn
}

type form uint8

const (
	other form = iota // nothing that a key file may have
	text
	number
	sequence
	mapping
)

// members returns the values of a mapping by their keys, which have to be among known.
func (n *node) members(what string, known ...string) (map[string]*node, error) {
	if n.form != mapping {
		return nil, wrong(n.line, "%s: want keys and values", what)
	}
	members := make(map[string]*node)
	for i := 0; i < len(n.items); i += 2 {
		key := n.items[i]
		switch {
		case key.form != text || !slices.Contains(known, key.text):
			return nil, wrong(key.line, "unknown key: %s has %s", what, strings.Join(known, ", "))
		case members[key.text] != nil:
			return nil, wrong(key.line, "%s is there twice", key.text)
		}
		members[key.text] = n.items[i+1]
	}
	return members, nil
}

// parseJSON returns what a text holds that is valid JSON.
func parseJSON(source []byte) (*node, error) {
	in := json.NewDecoder(bytes.NewReader(source))
	in.UseNumber()
	p := jsonParser{in: in, source: source}
	return p.value()
}

type jsonParser struct {
	in     *json.Decoder
	source []byte
	at     int // line counts the lines up to here
	lines  int
}

// line returns where the decoder stands.
func (p *jsonParser) line() int {
	to := int(p.in.InputOffset())
	p.lines += bytes.Count(p.source[p.at:to], []byte("\n"))
	p.at = to
	return p.lines + 1
}

// value reads one value, with all that is in it. How deep that may be is package
// json's concern, which found it valid.
func (p *jsonParser) value() (*node, error) {
	token, err := p.in.Token()
	if err != nil {
		return nil, wrong(p.line(), "no JSON")
	}
	n := &node{line: p.line()}
	switch v := token.(type) {
	case string:
		n.form, n.text = text, v
	case json.Number:
		n.form, n.text = number, v.String()
	case json.Delim:
		n.form = sequence
		if v == '{' {
			n.form = mapping
		}
		for p.in.More() {
			item, err := p.value()
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		_, err = p.in.Token() // the closing one
	}
	return n, err
}

// parseYAML returns the one document of a text.
func parseYAML(source []byte) (*node, error) {
	in := yaml.NewDecoder(bytes.NewReader(source))
	var first, second yaml.Node
	if err := in.Decode(&first); errors.Is(err, io.EOF) {
		return nil, wrong(1, "trusted_hosts is missing")
	} else if err != nil {
		return nil, wrong(yamlLine(err), "neither JSON nor YAML")
	}
	if err := in.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, wrong(1, "want one document: nothing is read behind ---")
	}
	return fromYAML(first.Content[0]), nil
}

// yamlLine returns the line of a mistake. What it is can quote a key, as where that
// begins with an asterisk and so looks like the name of an anchor.
func yamlLine(err error) int {
	_, rest, _ := strings.Cut(err.Error(), "line ")
	digits, why, _ := strings.Cut(rest, ":")
	n, bad := strconv.Atoi(digits)
	switch {
	case bad != nil:
		return 1
	case strings.HasPrefix(why, " did not find expected"):
		return n + 1 // the library counts from 0 there
	}
	return n
}

// fromYAML leaves out what only YAML has: anchors, aliases and tags are other things
// than they seem. Nothing refers to anything, so it ends.
func fromYAML(y *yaml.Node) *node {
	n := &node{line: y.Line, text: y.Value}
	if y.Anchor != "" || y.Style&yaml.TaggedStyle != 0 {
		return n
	}
	switch {
	case y.Kind == yaml.SequenceNode:
		n.form = sequence
	case y.Kind == yaml.MappingNode:
		n.form = mapping
	case y.Kind == yaml.ScalarNode && y.Tag == "!!str":
		n.form = text
	case y.Kind == yaml.ScalarNode && (y.Tag == "!!int" || y.Tag == "!!float"):
		n.form = number
	}
	for _, c := range y.Content {
		n.items = append(n.items, fromYAML(c))
	}
	return n
}
