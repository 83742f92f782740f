# XEP-0133 section 4.29, at the administrator's own address; others do not see the commands
client admin admin@service.localhost/desk administrator
client romeo romeo@service.localhost/orchard
admin connects
romeo connects
romeo sends
	<iq type='get' id='1' to='service.localhost'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>
	<iq type='get' id='2' to='service.localhost'><query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/admin#announce'/></iq>
romeo receives
	<iq type='result' from='service.localhost' id='1'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>
	<iq type='error' from='service.localhost' id='2'>{error:auth:forbidden}</iq>
romeo sends
	<iq type='set' to='service.localhost' id='3'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin'/></iq>
romeo receives
	<iq type='error' from='service.localhost' id='3'>{error:auth:forbidden}</iq>
romeo sends
	<iq type='set' to='{romeo.bare}' id='4'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin'/></iq>
romeo receives
	<iq type='error' from='{romeo.bare}' id='4'>{error:auth:forbidden}</iq>
romeo sends
	<iq type='set' to='{admin.bare}' id='5'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin'/></iq>
romeo receives
	<iq type='error' from='{admin.bare}' id='5'>{error:auth:forbidden}</iq>
admin sends
	<iq type='set' to='{admin.bare}' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin'/></iq>
admin receives
	<iq type='result' from='{admin.bare}' id='6'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='?s' status='executing'><any/><x xmlns='jabber:x:data' type='form'><any/><field var='adminjids' type='jid-multi' label='*'><any/><value>{admin.bare}</value><any/></field></x></command></iq>
admin sends
	<iq type='set' to='{admin.bare}' id='7'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='adminjids'><value>{admin.bare}/desk</value></field></x></command></iq>
admin receives
	<iq type='error' from='{admin.bare}' id='7'><any/><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><any/><bad-payload xmlns='http://jabber.org/protocol/commands'/></error></iq>
admin sends
	<iq type='set' to='{admin.bare}' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='adminjids'><value>{admin.bare}</value><value>{romeo.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='{admin.bare}' id='8'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}' status='completed'></command></iq>
romeo sends
	<iq type='set' to='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-motd'/></iq>
romeo receives
	<iq type='result' from='service.localhost' id='9'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-motd' sessionid='*' status='completed'><any/></command></iq>
# it is given back
admin sends
	<iq type='set' to='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='10'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='?s' status='executing'><any/></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='adminjids'><value>{admin.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='11'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}' status='completed'></command></iq>
romeo sends
	<iq type='set' to='service.localhost' id='12'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-motd'/></iq>
romeo receives
	<iq type='error' from='service.localhost' id='12'>{error:auth:forbidden}</iq>
# an account of ours must exist; who is deleted leaves the list, for whoever gets the name next
admin sends
	<iq type='set' to='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='13'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='?s' status='executing'><any/></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='14'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='adminjids'><value>{admin.bare}</value><value>x{romeo.bare}</value></field></x></command></iq>
admin receives
	<iq type='error' from='service.localhost' id='14'>{error:cancel:item-not-found}</iq>
admin sends
	<iq type='set' to='service.localhost' id='15'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='15'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='?s' status='executing'><any/></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='adminjids'><value>{admin.bare}</value><value>{romeo.bare}</value><value>boss@elsewhere.example</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='16'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}' status='completed'></command></iq>
romeo drops
admin sends
	<iq type='set' to='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='17'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='?s' status='executing'>
	<actions execute='complete'><complete/></actions>
	<x xmlns='jabber:x:data' type='form'><title>*</title><instructions>*</instructions>
	<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>
	<field var='accountjids' type='jid-multi' label='*'><required/></field>
	</x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='18'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='accountjids'><value>{romeo.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='18'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#delete-user' sessionid='{s}' status='completed'></command></iq>
admin receives nothing
admin sends
	<iq type='set' to='service.localhost' id='19'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin'/></iq>
admin receives
	<iq type='result' from='service.localhost' id='19'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='?s' status='executing'><any/><x xmlns='jabber:x:data' type='form'><any/><field var='adminjids' type='jid-multi' label='*'><value>{admin.bare}</value><value>boss@elsewhere.example</value></field></x></command></iq>
admin sends
	<iq type='set' to='service.localhost' id='20'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}'>
	<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/admin</value></field><field var='adminjids'><value>{admin.bare}</value></field></x></command></iq>
admin receives
	<iq type='result' from='service.localhost' id='20'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#edit-admin' sessionid='{s}' status='completed'></command></iq>
