# XEP-0050 section 4.4: every error
client admin admin@service.localhost/desk administrator
client other admin@service.localhost/other
admin connects
other connects
# no node; no such node; one of service administration that is not there (XEP-0133 section 5)
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='1'>{error:modify:bad-request}</iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='nothing'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='2'>{error:cancel:item-not-found}</iq>
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#nothing'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='3'>{error:cancel:feature-not-implemented}</iq>
# malformed-action, bad-action
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' action='dance'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='4'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><malformed-action xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' action='next'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='5'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-action xmlns='http://jabber.org/protocol/commands'/></error></iq>
# bad-locale, but not for the language of the stream
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' xml:lang='fr'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='6'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-locale xmlns='http://jabber.org/protocol/commands'/></error></iq>
# bad-sessionid: none of ours, and another's
admin sends
	<iq type='set' to='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='x'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='7'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-sessionid xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='8' xml:lang='fr'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='announcement' type='text-multi' label='*'><required/></field>
	</x></command></iq>
other sends
	<iq type='set' to='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}' action='cancel'/></iq>
other receives
	<iq type='error' from='service.localhost' id='9'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-sessionid xmlns='http://jabber.org/protocol/commands'/></error></iq>
# bad-action: a single stage has nothing before it and nothing behind
admin sends
	<iq type='set' to='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}' action='prev'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='10'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-action xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}' action='next'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='11'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-action xmlns='http://jabber.org/protocol/commands'/></error></iq>
# bad-payload: none; of another type; without what is required
admin sends
	<iq type='set' to='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='12'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}'><x xmlns='jabber:x:data' type='result'/></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='13'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='14'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}'><x xmlns='jabber:x:data' type='submit'/></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='14'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
# session-expired: cancelled
admin sends
	<iq type='set' to='service.localhost' id='15'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}' action='cancel'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='15'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}' status='canceled'/></iq>
admin sends
	<iq type='set' to='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' sessionid='{s}'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='16'><any/><error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><session-expired xmlns='http://jabber.org/protocol/commands'/></error></iq>
# a get is none
admin sends
	<iq type='get' to='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce'/></iq>
admin receives
	<iq type='error' from='service.localhost' id='17'>{error:cancel:service-unavailable}</iq>
