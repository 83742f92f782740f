# XEP-0050 sections 2.4.2, 3.4: two stages, back and forth, with a command of our own
client admin admin@service.localhost/desk administrator
client one romeo@service.localhost/one
client two romeo@service.localhost/two
client juliet juliet@service.localhost/balcony
admin connects
one connects
two comes online
juliet comes online
two befriends juliet
juliet forgets
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='?s' status='executing'>
	<actions execute='next'><next/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>urn:mercutio:admin</value></field><field var='accountjid' type='jid-single' label='*'><required/></field></x></command></iq>
# what is no account of ours ends it
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='{s}'><x xmlns='jabber:x:data' type='submit'><field var='accountjid'><value>{nobody}</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='2'>{error:cancel:item-not-found}</iq>
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='?s' status='executing'>
	<actions execute='next'><next/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>urn:mercutio:admin</value></field><field var='accountjid' type='jid-single' label='*'><required/></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='{s}' action='next'><x xmlns='jabber:x:data' type='submit'><field var='accountjid'><value>{one.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='?s' status='executing'>
	<actions execute='complete'><prev/><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>urn:mercutio:admin</value></field><field var='sessions' type='list-multi' label='*'><required/><option label='*'><value>{one}</value></option><option label='*'><value>{two}</value></option></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='{s}' action='prev'></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='?s' status='executing'>
	<actions execute='next'><next/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>urn:mercutio:admin</value></field><field var='accountjid' type='jid-single' label='*'><required/><value>{one.bare}</value></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='{s}'><x xmlns='jabber:x:data' type='submit'><field var='accountjid'><value>{one.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='?s' status='executing'>
	<actions execute='complete'><prev/><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>urn:mercutio:admin</value></field><field var='sessions' type='list-multi' label='*'><required/><option label='*'><value>{one}</value></option><option label='*'><value>{two}</value></option></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='7'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='{s}' action='complete'><x xmlns='jabber:x:data' type='submit'><field var='sessions'><value>{juliet}</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='7'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='{s}'><x xmlns='jabber:x:data' type='submit'><field var='sessions'><value>{two}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='8'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='{s}' status='completed'/></iq>
juliet receives
	<presence type='unavailable' from='{two}'/>
admin sends
	<iq type='set' to='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='urn:mercutio:admin#sessions' sessionid='{s}'></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='9'><any/><error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><session-expired xmlns='http://jabber.org/protocol/commands'/></error></iq>
