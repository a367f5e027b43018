using System.Collections.Immutable;
using System.Globalization;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Registry.Events;
using Mesh.Registry.Revocation;

namespace Mesh.Registry;

// Revocation (protocol reference 3.6): on the list first, then the consequences.
public sealed partial class RegistryActor
{
    private readonly Dictionary<NodePrefix, PendingRevocation> _revoking = [];
    private ImmutableSortedDictionary<ulong, RevokedCertificate>? _revoked;

    private void Revoke(Revoke revoke)
    {
        if (ulong.TryParse(revoke.CommonNameOrSerial, NumberStyles.None, CultureInfo.InvariantCulture, out ulong serial))
            RevokeSerial(serial, revoke.IsRenewable ? RevocationKind.Renewable : RevocationKind.Excluded);
        else if (NodePrefix.TryParseCommonName(revoke.CommonNameOrSerial, out NodePrefix prefix) && _state.CertificateOf(prefix) is { } certificate)
            Revoke(certificate, RevocationKind.Freed);
        else
            Sender.Tell(new NoCertificate(prefix));
    }

    private void RevokeSerial(ulong serial, RevocationKind kind)
    {
        if (_state.Certificates.Values.FirstOrDefault(c => c.Serial == serial) is { } certificate)
            Revoke(certificate, kind);
        else if (_revoked?.ContainsKey(serial) == true)
            Sender.Tell(new Done());   // as often as one likes; registries of re6st fail the second time
        else
            Sender.Tell(new Refused(IsMalformed: true, $"no present certificate has serial number {serial}"));
    }

    private void Revoke(RegisteredNode certificate, RevocationKind kind)
    {
        if (certificate.Prefix == _state.RegistryPrefix && kind != RevocationKind.Renewable)
        {
            Sender.Tell(new Refused(IsMalformed: false, $"{certificate.Prefix} is the node next to the registry, on which the network depends; it can only be made to renew"));
            return;
        }

        if (!_revoking.TryGetValue(certificate.Prefix, out PendingRevocation? pending))
            _revoking.Add(certificate.Prefix, pending = new PendingRevocation(certificate.Serial));
        pending.Kind = kind > pending.Kind ? kind : pending.Kind;
        pending.Askers.Add(Sender);
        _actors.Crl.Tell(new AddRevocation(certificate.Serial, certificate.NotAfter, pending.Kind));
    }

    private void CarryOut(RevocationRecorded recorded)
    {
        if (_revoking.FirstOrDefault(r => r.Value.Serial == recorded.Serial) is not { Value: { } pending, Key: NodePrefix prefix } || recorded.Kind < pending.Kind)
            return;   // the stronger order is on its way
        if (_state.CertificateOf(prefix) is { } certificate && certificate.Serial == recorded.Serial)
            CarryOut(certificate, pending.Kind, () => Finish(prefix));
        else
            Finish(prefix);
    }

    private void Finish(NodePrefix prefix)
    {
        if (!_revoking.Remove(prefix, out PendingRevocation? pending))
            return;
        foreach (ActorRef asker in pending.Askers)
            asker.Tell(new Done(), Self);
    }

    private void CarryOut(RegisteredNode certificate, RevocationKind kind, Action then)
    {
        RegistryEvent? happened = kind switch
        {
            RevocationKind.Freed => new NodeFreed(certificate.Prefix.Bits),
            RevocationKind.Excluded when !certificate.IsExcluded => new NodeExcluded(certificate.Prefix.Bits),
            _ => null,
        };
        if (happened is null)
        {
            then();
            return;
        }

        Record(happened, () =>
        {
            Log.Info($"{certificate.Prefix} is {(kind == RevocationKind.Freed ? "freed" : "shut out")}: its certificate {certificate.Serial} is revoked");
            CleanAt(certificate.NotAfter);
            Context.System.EventStream.Publish(new PrefixFreed(certificate.Prefix));
            then();
        });
    }

    // What the list says and was not carried out before a crash is carried out now.
    private void Follow(ImmutableSortedDictionary<ulong, RevokedCertificate> list)
    {
        bool isFirst = _revoked is null;
        _revoked = list;
        if (!isFirst)
            return;
        foreach (RegisteredNode certificate in _state.Certificates.Values)
        {
            if (list.TryGetValue(certificate.Serial, out RevokedCertificate revocation) && certificate.Prefix != _state.RegistryPrefix)
                CarryOut(certificate, revocation.Kind, static () => { });
        }
    }

    /// <summary>A revocation whose entry in the list is being made durable. Until it is, the node's certificate is not renewed.</summary>
    private sealed class PendingRevocation(ulong serial)
    {
        public ulong Serial => serial;

        public RevocationKind Kind { get; set; }

        public List<ActorRef> Askers { get; } = [];
    }
}
