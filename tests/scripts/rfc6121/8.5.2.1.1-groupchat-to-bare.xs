# RFC 6121 section 8.5.2.1.1: groupchat to a bare JID is answered by service-unavailable
client romeo romeo/orchard
client juliet juliet/balcony
romeo comes online
juliet comes online
romeo sends
	<message to='{juliet.bare}' type='groupchat' id='g1'><body>hi</body></message>
romeo receives
	<message from='{juliet.bare}' type='error' id='g1'><any/><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
juliet receives nothing
