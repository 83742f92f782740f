# XEP-0191 section 3.3, matching order: a whole domain is blocked and unblocked with one item; its people see us
# leave and come back; one's own resources and server are never blocked
client romeo romeo@service.localhost/orchard
client juliet juliet/balcony
client other juliet/other
client nurse nurse/hall
romeo comes online
juliet comes online
other comes online
nurse comes online
juliet forgets
romeo befriends juliet
nurse befriends juliet
juliet sends
	<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='service.localhost'/></block></iq>
juliet receives
	<iq type='result' id='b'/>
romeo receives in any order
	<presence from='{juliet}' to='{romeo.bare}' type='unavailable'/>
	<presence from='{other}' to='{romeo.bare}' type='unavailable'/>
nurse receives nothing
romeo sends
	<message to='{juliet.bare}' type='chat' id='m'><body>x</body></message>
	<presence to='{juliet.bare}' type='probe'/>
romeo receives
	<message from='{juliet.bare}' type='error' id='m'>{error:cancel:service-unavailable}</message>
romeo receives nothing
juliet receives nothing
# the longer forms are matched too, and a resource blocks that resource alone
juliet sends
	<iq type='set' id='c'><block xmlns='urn:xmpp:blocking'><item jid='{nurse}'/></block></iq>
juliet receives
	<iq type='result' id='c'/>
nurse receives in any order
	<presence from='{juliet}' to='{nurse}' type='unavailable'/>
	<presence from='{other}' to='{nurse}' type='unavailable'/>
nurse sends
	<message to='{juliet.bare}' type='chat' id='n'><body>x</body></message>
nurse receives
	<message from='{juliet.bare}' type='error' id='n'>{error:cancel:service-unavailable}</message>
# even where one's own domain is blocked
juliet sends
	<iq type='set' id='d'><block xmlns='urn:xmpp:blocking'><item jid='localhost'/></block></iq>
juliet receives
	<iq type='result' id='d'/>
juliet sends
	<message to='{other}' type='chat' id='o'><body>to myself</body></message>
	<iq to='localhost' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>
other receives
	<message from='{juliet}' to='{other}' type='chat' id='o'><body>to myself</body></message>
juliet receives
	<iq from='localhost' type='result' id='p'/>
nurse forgets
juliet sends
	<iq type='set' id='u'><unblock xmlns='urn:xmpp:blocking'><item jid='service.localhost'/></unblock></iq>
juliet receives
	<iq type='result' id='u'/>
romeo receives in any order
	<presence from='{juliet}' to='{romeo.bare}'/>
	<presence from='{other}' to='{romeo.bare}'/>
nurse receives nothing
romeo sends
	<message to='{juliet}' type='chat' id='again'><body>x</body></message>
juliet receives
	<message from='{romeo}' to='{juliet}' type='chat' id='again'><body>x</body></message>
