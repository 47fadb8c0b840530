package reference

import (
	"fmt"
	"strings"
)

// bashHead finds out what is to be completed, where _program stands for the name of the
// completion function.
const bashHead = `
_program() {
	local line=$COMP_LINE raw=${COMP_WORDS[COMP_CWORD]} word words=()
	# bash also splits at = and :, which tears --flag=value and host:port apart:
	# what has no blank in between is put together again.
	for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
		if [[ ${#words[@]} -eq 0 || $line == [[:space:]]* ]]; then
			words+=("$word")
		else
			words[${#words[@]} - 1]+=$word
		fi
		line=${line#"${line%%[![:space:]]*}"}
		line=${line#"$word"}
	done

	local cur=${words[${#words[@]} - 1]} command='' flag='' ended='' n=0 kind='' list=''
	for word in "${words[@]:1:${#words[@]}-2}"; do
		if [[ -n $flag ]]; then
			flag='' # this was its value
		elif [[ -z $ended && $word == -- ]]; then
			ended=yes
		elif [[ -z $ended && $word == -?* ]]; then
			_program_about "$command/$word"
			[[ -n $kind ]] && flag=$word
		elif [[ -z $command ]]; then
			command=$word
		else
			n=$((n + 1))
		fi
	done

	local value=$cur
	if [[ -n $flag ]]; then
		_program_about "$command/$flag"
	elif [[ -z $ended && $cur == --*=* ]]; then
		value=${cur#*=}
		_program_about "$command/${cur%%=*}"
	elif [[ -z $ended && $cur == -* ]]; then
		_program_about "$command/-"
	else
		_program_about "$command/$n"
	fi
	_program_reply
}

# _program_reply offers what there is of a kind, without the part of it that bash
# does not take for the word to be replaced.
_program_reply() {
	local all=()
	COMPREPLY=()
	case $kind in
	list) read -ra all <<<"$list" ;;
	file | folder)
		compopt -o filenames 2>/dev/null # which bash 3 does not know
		[[ $kind == file ]] && kind=f || kind=d
		while IFS= read -r word; do all+=("$word"); done < <(compgen "-$kind" -- "$value")
		;;
	esac
	[[ $raw != *[!=:]* ]] && raw=''
	local lead=${cur%"$raw"}
	for word in "${all[@]}"; do
		if [[ $kind != list || $word == "$value"* ]]; then
			word=${cur%"$value"}$word
			COMPREPLY+=("${word#"$lead"}")
		fi
	done
}

# _program_about says what a flag or the n-th argument of a command can be: any, file,
# folder or one of a list. A flag that takes nothing has no kind.
_program_about() {
	kind='' list=''
	case $1 in
`

func (p *Program) bash() string {
	var s script
	s.line("# Tab completion of %s for bash, as \"%s completion bash\" wrote it.", p.name, p.name)
	s.WriteString(strings.ReplaceAll(bashHead, "_program", p.function()))
	for _, c := range p.commands {
		var names []string
		for _, o := range c.options {
			names = append(names, o.names()...)
			if o.value != nil {
				var patterns []string
				for _, name := range o.names() {
					patterns = append(patterns, quoteSh(c.name+"/"+name))
				}
				s.line("\t%s) %s ;;", strings.Join(patterns, " | "), bashKind(*o.value))
			}
		}
		s.line("\t%s) %s ;;", quoteSh(c.name+"/-"), bashKind(value{kind: oneOf, words: names}))
		for i, a := range c.arguments {
			pattern := quoteSh(fmt.Sprint(c.name, "/", i))
			if a.repeated {
				pattern = quoteSh(c.name+"/") + "[0-9]*" // those before it stand above
			}
			s.line("\t%s) %s ;;", pattern, bashKind(a.value))
		}
	}
	s.line("\tesac\n}\n")
	s.line("complete -F %s %s", p.function(), p.name)
	return s.String()
}

func bashKind(v value) string {
	switch v.kind {
	case file:
		return "kind=file"
	case folder:
		return "kind=folder"
	case oneOf:
		return "kind=list list=" + quoteSh(strings.Join(v.words, " "))
	}
	return "kind=any"
}

// quoteSh quotes a text for bash and zsh.
func quoteSh(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
