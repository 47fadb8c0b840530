package reference

import (
	"fmt"
	"strings"
)

// fishHead says of a command line where it stands, where _program stands for the
// name of the functions.
const fishHead = `
# _program_takes COMMAND FLAG: whether a value follows the flag.
function _program_takes
    switch "$argv[1]/$argv[2]"
        case %s
            return 0
    end
    return 1
end

# _program_at COMMAND [N]: whether the line is one of this command, and the
# argument to be typed its N-th, from 0; N+ means that or a later one.
function _program_at
    set -l command ''
    set -l n 0
    set -l skip no
    set -l ended no
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = yes
            set skip no
        else if test $ended = no -a "x$word" = x--
            set ended yes
        else if test $ended = no; and string match -qr '^-.' -- $word
            _program_takes "$command" $word; and set skip yes
        else if test -z "$command"
            set command $word
        else
            set n (math $n + 1)
        end
    end
    test "$command" = "$argv[1]"; or return 1
    switch "$argv[2]"
        case ''
            return 0
        case '*+'
            test $n -ge (string trim -c + -- $argv[2])
        case '*'
            test $n -eq $argv[2]
    end
end
`

func (p *Program) fish() string {
	var s script
	var takers []string
	for _, c := range p.commands {
		for _, o := range c.options {
			if o.value != nil {
				for _, name := range o.names() {
					takers = append(takers, quoteFish(c.name+"/"+name))
				}
			}
		}
	}
	s.line("# Tab completion of %s for fish, as \"%s completion fish\" wrote it.", p.name, p.name)
	head := strings.Replace(fishHead, "%s", strings.Join(append(takers, "''"), " "), 1)
	s.WriteString(strings.ReplaceAll(head, "_program", "_"+p.function()))
	complete := "complete -c " + p.name
	s.line("\n%s -e\n%s -f", complete, complete)
	for _, c := range p.commands[1:] {
		s.line("%s -n %s -a %s -d %s", complete, p.fishAt("", ""), quoteFish(fishWord(c.name)), quoteFish(c.help))
	}
	for _, c := range p.commands {
		at := p.fishAt(c.name, "")
		for _, o := range c.options {
			forms := " -l " + quoteFish(o.long[2:])
			if o.short != "" {
				forms += " -s " + quoteFish(o.short[1:])
			}
			follows := ""
			if o.value != nil {
				follows = " -r" + fishValue(*o.value)
			}
			s.line("%s -n %s%s%s -d %s", complete, at, forms, follows, quoteFish(o.help))
			if o.negation != "" {
				s.line("%s -n %s -l %s -d %s", complete, at, quoteFish(o.negation[2:]), quoteFish(aboutName(o, o.negation)))
			}
		}
		for i, a := range c.arguments {
			place := fmt.Sprint(i)
			if a.repeated {
				place += "+"
			}
			if c.name != "" && a.kind != anything {
				s.line("%s -n %s%s", complete, p.fishAt(c.name, place), fishValue(a.value))
			}
		}
	}
	return s.String()
}

// fishAt returns the condition that the line is one of a command, at an argument.
func (p *Program) fishAt(command, place string) string {
	text := "_" + p.function() + "_at " + quoteFish(command)
	if place != "" {
		text += " " + place
	}
	return quoteFish(text)
}

func fishValue(v value) string {
	switch v.kind {
	case file:
		return " -F"
	case folder:
		return " -f -a " + quoteFish("(__fish_complete_directories)")
	case oneOf:
		words := make([]string, len(v.words))
		for i, w := range v.words {
			words[i] = fishWord(w)
		}
		return " -f -a " + quoteFish(strings.Join(words, " "))
	}
	return " -f"
}

// fishWord quotes a word for a list of them, which fish reads a second time.
func fishWord(word string) string {
	if strings.ContainsAny(word, "\\'\"$*?~#(){}[]<>|;&^ \t") {
		return quoteFish(word)
	}
	return word
}

func quoteFish(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
