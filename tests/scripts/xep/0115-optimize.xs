# XEP-0115 section 8.4: a client that relies on #optimize sends <c/> once and on changes; a subscriber's first
# presence has it, however late, and so have the changes
client romeo romeo/orchard
client juliet juliet/balcony
client late romeo/late
romeo comes online
juliet comes online
romeo befriends juliet
romeo forgets
juliet sends
	<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='one'/></presence>
romeo receives
	<presence from='{juliet}' to='{romeo.bare}'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='one'/></presence>
juliet sends
	<presence><show>away</show></presence>
romeo receives
	<presence from='{juliet}' to='{romeo.bare}'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='one'/></presence>
late connects
late sends
	<presence/>
late receives in any order
	<presence from='{romeo}' to='{late}'/>
	<presence from='{late}' to='{late}'/>
	<presence from='{juliet}' to='{late}'><show>away</show><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='one'/></presence>
romeo forgets
juliet sends
	<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='two'/></presence>
romeo receives
	<presence from='{juliet}' to='{romeo.bare}'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='two'/></presence>
