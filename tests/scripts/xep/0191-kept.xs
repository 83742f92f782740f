# XEP-0191 section 3.2: "Once the user has blocked communications with a JID, the user's server MUST NOT
# deliver any XML stanzas from the JID to the user": not those either that were kept before, messages and
# subscription requests; they come when the block is over, and those of others come all the same
client romeo romeo/orchard
client other mercutio/square
client juliet juliet/balcony
client declare juliet/never
romeo comes online
other comes online
romeo sends
	<message to='{juliet.bare}' type='chat' id='1'><body>one</body></message>
	<presence to='{juliet.bare}' type='subscribe' id='s'/>
other sends
	<message to='{juliet.bare}' type='chat' id='2'><body>two</body></message>
romeo receives nothing
other receives nothing
juliet connects
juliet sends
	<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block></iq>
juliet receives
	<iq type='result' id='b'/>
juliet sends
	<presence/>
juliet receives
	<presence from='{juliet}'/>
	<message from='{other}' to='{juliet.bare}' type='chat' id='2'><body>two</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'>*</delay></message>
juliet receives nothing
juliet sends
	<presence type='unavailable'/>
juliet receives
	<presence from='{juliet}' type='unavailable'/>
juliet sends
	<iq type='set' id='u'><unblock xmlns='urn:xmpp:blocking'/></iq>
juliet receives
	<iq type='result' id='u'/>
juliet sends
	<presence/>
juliet receives
	<presence from='{juliet}'/>
	<presence from='{romeo.bare}' to='{juliet.bare}' type='subscribe' id='s'/>
	<message from='{romeo}' to='{juliet.bare}' type='chat' id='1'><body>one</body><delay xmlns='urn:xmpp:delay' from='localhost' stamp='*'>*</delay></message>
juliet receives nothing
