# SPDX-License-Identifier: GPL-2.0
#
# What man programs complain of in rst2man's pages: a space where a heading has
# made one, and a font that not all know.
/^\.S[HS] /{
	:heading
	n
	/^\.S[HS] /b heading
	/^\.sp$/d
}
s/^\.ft C$/.ft CR/
# Its tables are boxes in the middle; ours are plain, and as wide as the page.
/^\.TS$/,/^\.TE$/{
	/^center;$/d
	/^_$/d
	/^|[l|]*\.$/{
		s/|\.$/x./
		s/|/ /g
	}
}
