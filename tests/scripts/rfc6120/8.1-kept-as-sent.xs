# RFC 6120 section 8.4 and RFC 6121 section 8.1: what a server does not know it passes on as it is: attributes, also
# of namespaces, children with text and markup; the order of stanzas stays (section 10.1)
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<message to='{juliet}' type='chat' id='1' odd='yes' x:far='away' xmlns:x='urn:example:x'><subject>s</subject><body>a &lt;b&gt; &amp; c</body><thing xmlns='urn:example:y' at='1'>text<deep><deeper xmlns='urn:example:z' x:far='2'/></deep></thing></message>
	<message to='{juliet}' type='chat' id='2'><body>second</body></message>
	<message to='{juliet}' type='headline' id='3'><body>third</body></message>
	<message to='{juliet}' type='odd' id='3a'><body>as normal</body></message>
	<message to='{juliet}' type='normal' id='3b'><body>normal</body></message>
	<presence to='{juliet}' id='4' odd='yes'><x xmlns='urn:example:x'/></presence>
	<iq to='{juliet}' type='result' id='5'><odd xmlns='urn:example:x'/></iq>
juliet receives
	<message from='{romeo}' to='{juliet}' type='chat' id='1' odd='yes' x:far='away' xmlns:x='urn:example:x'><subject>s</subject><body>a &lt;b&gt; &amp; c</body><thing xmlns='urn:example:y' at='1'>text<deep><deeper xmlns='urn:example:z' x:far='2'/></deep></thing></message>
	<message from='{romeo}' to='{juliet}' type='chat' id='2'><body>second</body></message>
	<message from='{romeo}' to='{juliet}' type='headline' id='3'><body>third</body></message>
	<message from='{romeo}' to='{juliet}' type='odd' id='3a'><body>as normal</body></message>
	<message from='{romeo}' to='{juliet}' type='normal' id='3b'><body>normal</body></message>
	<presence from='{romeo}' to='{juliet}' id='4' odd='yes'><x xmlns='urn:example:x'/></presence>
	<iq from='{romeo}' to='{juliet}' type='result' id='5'><odd xmlns='urn:example:x'/></iq>
