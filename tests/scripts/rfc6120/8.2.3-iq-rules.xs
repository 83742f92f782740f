# RFC 6120 section 8.2.3: an IQ without id, of unknown type, or with other than one child
client juliet juliet/balcony
juliet connects
juliet sends
	<iq type='frob' to='localhost' id='1'><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives
	<iq type='error' from='localhost' id='1'>{error:modify:bad-request}</iq>
juliet sends
	<iq type='get' to='localhost' id='2'/>
juliet receives
	<iq type='error' from='localhost' id='2'>{error:modify:bad-request}</iq>
juliet sends
	<iq type='get' to='localhost' id='3'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>
juliet receives
	<iq type='error' from='localhost' id='3'>{error:modify:bad-request}</iq>
juliet sends
	<iq type='get' to='localhost' id='4'><query xmlns='urn:example:unknown'/></iq>
juliet receives
	<iq type='error' from='localhost' id='4'>{error:cancel:service-unavailable}</iq>
