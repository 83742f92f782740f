# RFC 6120 section 8.2.3: an IQ without id, of unknown type, or with other than one child
client juliet juliet/balcony
juliet connects
juliet sends
	<iq type='frob' to='localhost' id='1'><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives
	<iq type='error' from='localhost' id='1'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends
	<iq type='get' to='localhost' id='2'/>
juliet receives
	<iq type='error' from='localhost' id='2'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends
	<iq type='get' to='localhost' id='3'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives
	<iq type='error' from='localhost' id='3'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
juliet sends
	<iq type='get' to='localhost' id='4'><query xmlns='urn:example:unknown'/></iq>
juliet receives
	<iq type='error' from='localhost' id='4'><any/><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
