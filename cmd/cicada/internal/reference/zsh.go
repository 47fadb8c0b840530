package reference

import (
	"fmt"
	"strings"
)

func (p *Program) zsh() string {
	var s script
	root := p.commands[0]
	s.line("#compdef %s\n# Tab completion of %s for zsh, as \"%s completion zsh\" wrote it.\n", p.name, p.name, p.name)
	s.line("%s() {", p.function())
	s.line("\tlocal context curcontext=$curcontext state state_descr line ret=1\n\ttypeset -A opt_args\n\tlocal -a commands=(")
	for _, c := range p.commands[1:] {
		s.line("\t\t%s", quoteSh(zshEscape(c.name, `\:`)+":"+zshEscape(c.help, `\`)))
	}
	s.line("\t)\n\t_arguments -C -s -S :%s \\\n\t\t'1:command:->command' \\\n\t\t'*::argument:->argument' && ret=0", zshOptions(root))
	s.line("\tcase $state in\n\tcommand) _describe -t commands command commands && ret=0 ;;\n\targument)")
	s.line("\t\tcurcontext=${curcontext%%:*}-$words[1]:\n\t\tcase $words[1] in")
	for _, c := range p.commands[1:] {
		s.WriteString("\t\t" + quoteSh(c.name) + ") _arguments -s -S :" + zshOptions(c))
		for i, a := range c.arguments {
			place := fmt.Sprint(i + 1)
			if a.repeated {
				place = "*"
			} else if a.optional {
				place += ":"
			}
			s.WriteString(" \\\n\t\t\t" + quoteSh(place+zshValue(a.value)))
		}
		s.line(" && ret=0 ;;")
	}
	s.line("\t\tesac ;;\n\tesac\n\treturn ret\n}\n")
	s.line("# Read by compinit this file is the function's body; sourced, it says what it is for.")
	s.line("if [[ $funcstack[1] == %s ]]; then\n\t%s \"$@\"\nelse\n\tcompdef %s %s\nfi", p.function(), p.function(), p.function(), p.name)
	return s.String()
}

// zshOptions returns one specification for each way to write an option.
func zshOptions(c *command) string {
	var s strings.Builder
	for _, o := range c.options {
		exclusive := "(" + strings.Join(o.names(), " ") + ")"
		if o.repeated {
			exclusive = "*"
		}
		for _, name := range o.names() {
			spec := exclusive + name
			if o.value != nil && name == o.short {
				spec += "+" // -p1 or -p 1
			} else if o.value != nil {
				spec += "=" // --port=1 or --port 1
			}
			spec += "[" + zshEscape(aboutName(o, name), `\[]`) + "]"
			if o.value != nil {
				spec += zshValue(*o.value)
			}
			s.WriteString(" \\\n\t\t\t" + quoteSh(spec))
		}
	}
	return s.String()
}

// aboutName returns the help for one way to write an option.
func aboutName(o option, name string) string {
	if name == o.negation {
		return "Not: " + o.help
	}
	return o.help
}

func zshValue(v value) string {
	head := ":" + zshEscape(v.name, `\:`) + ":"
	switch v.kind {
	case file:
		return head + "_files"
	case folder:
		return head + "_path_files -/" // _files would offer files where no folder fits
	case oneOf:
		words := make([]string, len(v.words))
		for i, w := range v.words {
			words[i] = zshEscape(w, "\\:() \t'\"$`*?~<>|;&#{}[]^=!")
		}
		return head + "(" + strings.Join(words, " ") + ")"
	}
	return head + " " // nothing is known, and files are no answer
}

// zshEscape puts a backslash before each of the special characters.
func zshEscape(text, special string) string {
	var s strings.Builder
	for _, r := range text {
		if strings.ContainsRune(special, r) {
			s.WriteByte('\\')
		}
		s.WriteRune(r)
	}
	return s.String()
}
