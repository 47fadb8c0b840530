package reference

import (
	"fmt"
	"go/doc/comment"
	"regexp"
	"slices"
	"strings"
)

// About is what a man page says beside what the model knows.
type About struct {
	Date  string // of the program, as 2026-11-21; empty where it is not known
	Exits []Entry
}

// Commands returns the names of the commands that have a page. The first is empty,
// and means the program itself.
func (p *Program) Commands() []string {
	names := make([]string, len(p.commands))
	for i, c := range p.commands {
		names[i] = c.name
	}
	return names
}

// PageName returns what the man page of a command is called, without its section.
func (p *Program) PageName(command string) string {
	if command == "" {
		return p.name
	}
	return p.name + "-" + command
}

// Page returns the man page of a command, for the man macros of roff, and whether
// there is that command.
func (p *Program) Page(command string, about About) (string, bool) {
	for _, c := range p.commands {
		if c.name == command {
			return p.page(c, about), true
		}
	}
	return "", false
}

func (p *Program) page(c *command, about About) string {
	var s script
	name, full := p.PageName(c.name), strings.TrimSpace(p.name+" "+c.name)
	s.line(".TH %s 1 \"%s\" %s", roff(strings.ToUpper(name)), about.Date, roff(p.name))
	s.line(".nh\n.ad l") // names are not broken, and lines not filled up
	s.line(".SH NAME\n%s \\- %s", roff(name), roff(strings.TrimSuffix(c.help, ".")))
	s.line(".SH SYNOPSIS\n\\fB%s\\fR %s", roff(full), roff(strings.TrimSpace(strings.TrimPrefix(c.summary, c.name))))
	s.line(".SH DESCRIPTION\n%s", roff(c.help))
	examples := s.detail(c)
	if c.name == "" {
		s.line(".SH COMMANDS")
		for _, other := range p.commands[1:] {
			s.entry(`\fB`+roff(other.name)+`\fR`, other.help)
			examples = append(examples, new(script).detail(other)...)
		}
	}
	s.options(c)
	if len(examples) > 0 {
		s.line(".SH EXAMPLES\n.nf\n%s\n.fi", roff(strings.Join(examples, "\n")))
	}
	s.table("EXIT STATUS", about.Exits)
	s.table("FILES", p.files(c))
	if related := p.related(c); len(related) > 0 {
		s.line(".SH SEE ALSO\n%s", strings.Join(related, ",\n"))
	}
	return s.String()
}

// detail writes what there is to say of a command beside its help, and returns the
// examples in it.
func (s *script) detail(c *command) (examples []string) {
	var parser comment.Parser
	for _, block := range parser.Parse(c.detail).Content {
		switch block := block.(type) {
		case *comment.Code:
			s.verbatim(strings.TrimSuffix(block.Text, "\n"))
		case *comment.Paragraph:
			text := flat(block.Text)
			if example, ok := strings.CutPrefix(text, "Example: "); ok {
				examples = append(examples, example)
			} else {
				s.line(".PP\n%s", roff(text))
			}
		default: // lists and headings, which no command has so far
			text := (&comment.Printer{TextWidth: -1}).Text(&comment.Doc{Content: []comment.Block{block}})
			s.verbatim(strings.TrimSpace(string(text)))
		}
	}
	return examples
}

// flat returns a paragraph as one line.
func flat(parts []comment.Text) string {
	doc := &comment.Doc{Content: []comment.Block{&comment.Paragraph{Text: parts}}}
	return strings.TrimSpace(string((&comment.Printer{TextWidth: -1}).Text(doc)))
}

func (s *script) options(c *command) {
	s.line(".SH OPTIONS")
	for _, a := range c.arguments {
		if c.name != "" {
			s.entry(`\fI`+roff(a.name)+`\fR`, a.help)
		}
	}
	for _, o := range c.options {
		var forms []string
		for _, name := range o.names() {
			forms = append(forms, `\fB`+roff(name)+`\fR`)
		}
		term := strings.Join(forms, ", ")
		if o.value != nil {
			term += `=\fI` + roff(o.value.name) + `\fR`
		}
		s.entry(term, o.help)
	}
}

func (s *script) table(title string, entries []Entry) {
	if len(entries) > 0 {
		s.line(".SH %s", title)
	}
	for _, e := range entries {
		s.entry(`\fB`+roff(e.Name)+`\fR`, e.Text)
	}
}

func (s *script) entry(term, text string) { s.line(".TP\n%s\n%s", term, roff(text)) }

func (s *script) verbatim(text string) { s.line(".PP\n.nf\n%s\n.fi", roff(text)) }

// files returns the files that a command keeps; of the program itself, those of all.
func (p *Program) files(c *command) []Entry {
	if c.name != "" {
		return c.files
	}
	var all []Entry
	for _, other := range p.commands[1:] {
		for _, f := range other.files {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

// related returns the other pages to look at: all of them from the program's own;
// from a command's, that one and those that name the command or are named by it.
func (p *Program) related(c *command) []string {
	var pages []string
	for _, other := range p.commands {
		if other != c && (c.name == "" || other.name == "" || p.names(c, other) || p.names(other, c)) {
			pages = append(pages, ".BR "+roff(p.PageName(other.name))+" (1)")
		}
	}
	return pages
}

// names reports whether the texts of a command name another one.
func (p *Program) names(c, other *command) bool {
	texts := []string{c.help, c.detail}
	for _, o := range c.options {
		texts = append(texts, o.help)
	}
	named := regexp.MustCompile(`\b` + regexp.QuoteMeta(p.name+" "+other.name) + `\b`)
	return slices.ContainsFunc(texts, named.MatchString)
}

var roffSpecial = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`)

// roff escapes a text: nothing in it is a request or an escape, and what can be
// pasted stays what it is.
func roff(text string) string {
	var s strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, ".") {
			s.WriteString(`\&`) // an apostrophe is none after what follows
		}
		for _, r := range roffSpecial.Replace(line) {
			if r > 0x7e {
				fmt.Fprintf(&s, `\[u%04X]`, r)
			} else {
				s.WriteRune(r)
			}
		}
	}
	return s.String()
}
