using System.Globalization;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Events;

namespace Mesh.Registry;

// Revocation: by serial number it is a kick, by common name it is for good (protocol reference 3.6).
public sealed partial class RegistryActor
{
    private void Revoke(Revoke revoke)
    {
        if (ulong.TryParse(revoke.CommonNameOrSerial, NumberStyles.None, CultureInfo.InvariantCulture, out ulong serial))
            RevokeSerial(serial);
        else if (NodePrefix.TryParseCommonName(revoke.CommonNameOrSerial, out NodePrefix prefix) && _state.CertificateOf(prefix) is { } certificate)
            RevokeNode(certificate);
        else
            Sender.Tell(new NoCertificate(prefix));
    }

    private void RevokeSerial(ulong serial)
    {
        if (_state.Revoked.ContainsKey(serial))
            Sender.Tell(new Done());   // as often as one likes; registries of re6st fail the second time
        else if (_state.Certificates.Values.FirstOrDefault(c => c.Serial == serial) is { } certificate)
            Revoke(certificate, isFreed: false);
        else
            Sender.Tell(new Refused(IsMalformed: true, $"no present certificate has serial number {serial}"));
    }

    private void RevokeNode(RegisteredNode certificate)
    {
        if (certificate.Prefix == _state.RegistryPrefix)
            Sender.Tell(new Refused(IsMalformed: false, $"{certificate.Prefix} is the node next to the registry, on which the network depends; revoke its certificate by serial number instead"));
        else
            Revoke(certificate, isFreed: true);
    }

    private void Revoke(RegisteredNode certificate, bool isFreed)
    {
        ActorRef asker = Sender;
        Record(new CertificateRevoked(certificate.Serial, certificate.NotAfter, isFreed ? certificate.Prefix.Bits : null), () =>
        {
            CleanAt(certificate.NotAfter);
            if (isFreed)
                Context.System.EventStream.Publish(new PrefixFreed(certificate.Prefix));
            asker.Tell(new Done(), Self);
            PublishIfChanged();
        });
    }
}
