# RFC 6120 sections 8.1.2.1 and 8.1.5: `from` is the full JID; a right one may be there; xml:lang,
# unknown attributes and children are passed on, and order is kept (10.1)
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<message from='{romeo}' to='{juliet}' type='chat' id='1'><body>a</body></message>
	<message from='{romeo.bare}' to='{juliet}' type='chat' id='2'><body>b</body></message>
	<message to='{juliet}' type='chat' id='3' xmlns:x='urn:example:x' x:y='z'><body xml:lang='de'>c</body><x:thing/><thing xmlns='urn:example:x'>&lt;&amp;</thing></message>
	<message to='{juliet}' type='chat' id='4'><body>d</body></message>
	<message to='{juliet}' type='frob' id='5'><body>e</body></message>
juliet receives
	<message from='{romeo}' to='{juliet}' type='chat' id='1'><body>a</body></message>
	<message from='{romeo}' to='{juliet}' type='chat' id='2'><body>b</body></message>
	<message from='{romeo}' to='{juliet}' type='chat' id='3' xmlns:x='urn:example:x' x:y='z'><body xml:lang='de'>c</body><x:thing/><thing xmlns='urn:example:x'>&lt;&amp;</thing></message>
	<message from='{romeo}' to='{juliet}' type='chat' id='4'><body>d</body></message>
	<message from='{romeo}' to='{juliet}' type='frob' id='5'><body>e</body></message>
