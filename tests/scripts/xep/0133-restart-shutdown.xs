# XEP-0133 sections 4.30, 4.31: their forms; what they do is tests/integration/admin_test.py's
client admin admin@service.localhost/desk administrator
admin connects
admin sends
	<iq type='set' to='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#restart'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='1'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#restart' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='delay' type='list-single' label='*'><value>30</value><option label='at once'><value>0</value></option><option label='30 seconds'><value>30</value></option><option label='60 seconds'><value>60</value></option><option label='90 seconds'><value>90</value></option><option label='2 minutes'><value>120</value></option><option label='3 minutes'><value>180</value></option><option label='4 minutes'><value>240</value></option><option label='5 minutes'><value>300</value></option></field>
	<field var='announcement' type='text-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='2'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#restart' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='delay'><value>31</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='2'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#restart' sessionid='{s}' action='cancel'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#restart' sessionid='{s}' status='canceled'/></iq>
admin sends
	<iq type='set' to='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#shutdown'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#shutdown' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='delay' type='list-single' label='*'><value>30</value><option label='at once'><value>0</value></option><option label='30 seconds'><value>30</value></option><option label='60 seconds'><value>60</value></option><option label='90 seconds'><value>90</value></option><option label='2 minutes'><value>120</value></option><option label='3 minutes'><value>180</value></option><option label='4 minutes'><value>240</value></option><option label='5 minutes'><value>300</value></option></field>
	<field var='announcement' type='text-multi' label='*'></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#shutdown' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='delay'><value>31</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='5'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#shutdown' sessionid='{s}' action='cancel'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#shutdown' sessionid='{s}' status='canceled'/></iq>
