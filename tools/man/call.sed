# SPDX-License-Identifier: GPL-2.0
#
# From the kernel's manual, as kernel-doc -man has it, to a page of section 3.
s/^\.TH "\([^"]*\)".*/.TH "\U\1\E" 3 "" "" "famez"/
/^\.SH SYNOPSIS$/a\
.B #include <famez.h>\
.PP
# types and punctuation bold, names not
s/^\.BI "\(.*[ *]\)\([a-z_]*\) "  "\([,;)]*\)"$/.BI "\1" \2 "\3"/
# a list of what it returns, and no empty lines before
/^\.SH "RETURN"$/,${
	s/RETURN/& VALUE/
	/^$/d
	s/^\* \([^:]*\): /.TP\n.B \1\n/
}
s/^$/.PP/
# functions are known by their parentheses, and -E is no hyphen
s/\\fB[a-z_]*\\fP/&()/g
s/-\(E[A-Z]\)/\\-\1/g
$a\
.SH SEE ALSO\
.BR libfamez (3),\
.BR famez_bridge (4)
