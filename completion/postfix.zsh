#compdef authtest postalias postcat postconf postfix postfix-collate postkick postlock postlog postmap postmulti postqueue postsuper qshape sendmail mailq newaliases
# Completion for the commands of the mail system, for zsh: the functions for bash, by way of bashcompinit.

if ! (( $+functions[_postfix_complete] )); then
  autoload -Uz bashcompinit && bashcompinit
  local shared
  for shared in ${(%):-%x:A:h}/postfix.bash /usr/local/share/bash-completion/completions/postfix \
                /usr/share/bash-completion/completions/postfix; do
    [[ -r $shared ]] || continue
    source $shared
    break
  done
fi
(( $+functions[_postfix_complete] )) && _bash_complete -F _postfix_complete
