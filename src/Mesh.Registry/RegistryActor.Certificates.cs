using System.Diagnostics;
using System.Net;
using Mesh.Actors;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.Registry;
using Mesh.Registry.Authority;
using Mesh.Registry.Events;
using Mesh.Registry.Geography;
using Mesh.Registry.Prefixes;

namespace Mesh.Registry;

// Certificates: reserved in memory, signed on the work pool, then recorded.
public sealed partial class RegistryActor
{
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    private readonly HashSet<PendingWork> _pending = [];
    private readonly List<(PendingWork Work, object Result)> _finished = [];   // waiting for RecordFinished
    private readonly Dictionary<string, int> _reservedUses = new(StringComparer.Ordinal);
    private readonly Dictionary<NodePrefix, PendingRenewal> _renewals = [];
    private ulong _lastSerial;   // with those of reservations

    private void Request(RequestCertificate request)
    {
        bool isAnonymous = request.Token.Length == 0;
        int length = isAnonymous ? _options.AnonymousPrefixLength : _options.PrefixLength;
        if (length == 0)
        {
            Sender.Tell(new RegistrationDisabled());
            return;
        }

        Token? token = isAnonymous ? null : FindToken(request.Token);
        if (!isAnonymous && token is null)
        {
            Repeat(request);
            return;
        }

        // Somebody else is being served with the last use. Should that fail, the token is good again: so not "unknown" yet.
        if (_pending.Count >= _options.MaxPendingSignatures || (token is not null && _reservedUses.GetValueOrDefault(request.Token) >= token.UsesLeft))
        {
            Sender.Tell(Overload());
            return;
        }

        (DateTimeOffset notBefore, DateTimeOffset notAfter) = Validity();
        if (notAfter <= Context.UtcNow)
        {
            Log.Error($"no certificate can be given any more: that of the authority ended at {_authority.NotAfter:u} and has to be renewed");
            Sender.Tell(new Broken("the certificate of the authority has ended"));
            return;
        }

        NodePrefix community = CommunityOf(request);
        if (!TryAllocate(token?.PrefixLength ?? length, community, out NodePrefix prefix))
        {
            Log.Warning($"no prefix of {token?.PrefixLength ?? length} bits is free{(community.IsEmpty ? "" : $" in community {community.Bits}")}");
            Sender.Tell(new NetworkFull());
            return;
        }

        if (token is not null)
            _reservedUses[request.Token] = _reservedUses.GetValueOrDefault(request.Token) + 1;
        var order = new IssueOrder(request.RequestPem, prefix, _state.SubjectSerials.TakeLowest(), ++_lastSerial, notBefore, notAfter);
        Begin(new PendingIssue(Sender, isAnonymous ? null : request.Token, order), () => _authority.Issue(order));
    }

    // Free siblings are merged when the cleaner runs. Where that would be too late, now.
    private bool TryAllocate(int length, NodePrefix community, out NodePrefix prefix)
    {
        if (_state.Tree.TryAllocate(length, community, out prefix) == AllocationOutcome.Allocated)
            return true;
        _state.Tree.Merge();
        return _state.Tree.TryAllocate(length, community, out prefix) == AllocationOutcome.Allocated;
    }

    // Without a country database nobody knows where anybody is, and what a node says is not asked for either (protocol reference 3.5).
    private NodePrefix CommunityOf(RequestCertificate request)
    {
        if (_options.Communities is not { } communities)
            return NodePrefix.Empty;
        Country? location = null;
        if (_actors.Ports.Countries is { } countries)
            location = request.Location.Length > 0 ? Country.ParseLocation(request.Location) : IPAddress.TryParse(request.Ip, out IPAddress? address) ? countries.Find(address) : null;
        return communities.Choose(location);
    }

    private void Renew(RenewCertificate renew)
    {
        if (_state.TrustedCertificateOf(renew.Prefix) is not { } certificate)
        {
            Sender.Tell(new NoCertificate(renew.Prefix));
            return;
        }

        // Not before it is known whether the certificate is revoked.
        if (_revoked is null || _revoking.ContainsKey(renew.Prefix))
        {
            Sender.Tell(Overload());
            return;
        }

        if (_renewals.TryGetValue(renew.Prefix, out PendingRenewal? underWay))
        {
            underWay.Askers.Add(Sender);
            return;
        }

        // Where the authority ends, too, nothing is won: a node would ask for another one without end, and each costs a serial number.
        (DateTimeOffset notBefore, DateTimeOffset notAfter) = Validity();
        bool isEnding = certificate.NotAfter - Context.UtcNow < _options.RenewPeriod && notAfter > certificate.NotAfter;
        if (!isEnding && !_revoked.ContainsKey(certificate.Serial))
        {
            Sender.Tell(new CertificateGiven(certificate.Prefix, certificate.Pem));
            return;
        }

        if (_pending.Count >= _options.MaxPendingSignatures)
        {
            Sender.Tell(Overload());
            return;
        }

        // A revoked certificate is replaced, but that does not make it last longer.
        notAfter = isEnding ? notAfter : certificate.NotAfter;
        var work = new PendingRenewal(renew.Prefix, certificate.Serial, ++_lastSerial, notAfter);
        work.Askers.Add(Sender);
        _renewals.Add(renew.Prefix, work);
        Begin(work, () => _authority.Renew(certificate.Pem, work.Serial, notBefore, notAfter));
    }

    // The token is spent or was never there. Who holds it and the key of the node that it gave is that node, and has not got the answer.
    private void Repeat(RequestCertificate request)
    {
        if (!_state.SpentTokens.TryGetValue(request.Token, out SpentToken? spent) || spent.Expires <= Context.UtcNow || _state.TrustedCertificateOf(spent.Prefix) is not { } given)
            Sender.Tell(new UnknownToken());
        else if (_pending.Count >= _options.MaxPendingSignatures)
            Sender.Tell(Overload());
        else
            Begin(new PendingRepeat(Sender, spent.Prefix), () => _authority.IsForSameKey(request.RequestPem, given.Pem));
    }

    private void Begin(PendingWork work, Func<object> function)
    {
        _ = _pending.Add(work);
        _workPool.Run(work, function, Self);
    }

    // What was signed while the last commit was under way is recorded with the next one, all together: the disk syncs once for all of it.
    private void FinishAll()
    {
        foreach ((PendingWork work, object result) in _finished)
        {
            _ = _pending.Remove(work);
            Finish(work, result);
        }

        _finished.Clear();
    }

    private void Finish(PendingWork work, object result)
    {
        switch (work)
        {
            case PendingIssue issue when result is Issued issued:
                Record(issue, issued);
                break;
            case PendingIssue issue when result is RequestRefused refused:
                GiveUp(issue, new Refused(refused.IsMalformed, refused.Reason));
                break;
            case PendingRenewal renewal when _state.TrustedCertificateOf(renewal.Prefix)?.Serial != renewal.OldSerial || _revoking.ContainsKey(renewal.Prefix):
                // Revoked meanwhile, and perhaps somebody else's already: the old owner's key must not come back.
                GiveUp(renewal, _state.TrustedCertificateOf(renewal.Prefix) is null ? new NoCertificate(renewal.Prefix) : Overload());
                break;
            case PendingRepeat repeat when result is bool isOwner:
                repeat.Asker.Tell(isOwner && _state.TrustedCertificateOf(repeat.Prefix) is { } again ? new CertificateGiven(again.Prefix, again.Pem) : new UnknownToken());
                break;
            case PendingRenewal renewal when result is string pem:
                Record(new CertificateRenewed(renewal.Prefix.Bits, pem, renewal.Serial, renewal.NotAfter), () =>
                {
                    _ = _renewals.Remove(renewal.Prefix);
                    foreach (ActorRef asker in renewal.Askers)
                        asker.Tell(new CertificateGiven(renewal.Prefix, pem), Self);
                });
                break;
            default:
                throw new UnreachableException($"{work.GetType().Name} gave {result.GetType().Name}");
        }
    }

    private void Record(PendingIssue issue, Issued issued)
    {
        // An administrator may have deleted the token while the signature was made.
        if (issue.Token is not null && !_state.Tokens.ContainsKey(issue.Token))
        {
            GiveUp(issue, new UnknownToken());
            return;
        }

        IssueOrder order = issue.Order;
        string? email = issue.Token is null ? null : _state.Tokens[issue.Token].Email;
        Record(new CertificateIssued(issue.Token, order.Prefix.Bits, email, issued.Pem, order.Serial, order.SubjectSerial, order.NotAfter), () =>
        {
            ReleaseUse(issue.Token);
            CleanAt(FreedAt(_state.CertificateOf(order.Prefix)!));
            issue.Asker.Tell(new CertificateGiven(order.Prefix, issued.Pem), Self);
            if (_state.RegistryPrefix == order.Prefix)
                Introduce();   // the first node
        });
    }

    // A serial number that was reserved is not used again: gaps do not matter, two certificates with one number do.
    private void GiveUp(PendingWork work, RegistryAnswer answer)
    {
        switch (work)
        {
            case PendingIssue issue:
                _state.Tree.Release(issue.Order.Prefix);
                _state.SubjectSerials.Release(issue.Order.SubjectSerial);
                ReleaseUse(issue.Token);
                issue.Asker.Tell(answer);
                break;
            case PendingRenewal renewal:
                _ = _renewals.Remove(renewal.Prefix);
                foreach (ActorRef asker in renewal.Askers)
                    asker.Tell(answer);
                break;
            case PendingRepeat repeat:
                repeat.Asker.Tell(answer);
                break;
        }
    }

    private void ReleaseUse(string? token)
    {
        if (token is null)
            return;
        if (--_reservedUses[token] == 0)
            _ = _reservedUses.Remove(token);
    }

    // Certificates count in whole seconds, and none outlasts the authority. They begin a little before now: a node whose clock is behind takes its own as well.
    private (DateTimeOffset NotBefore, DateTimeOffset NotAfter) Validity()
    {
        DateTimeOffset now = DateTimeOffset.FromUnixTimeSeconds(Context.UtcNow.ToUnixTimeSeconds());
        DateTimeOffset end = now + _options.CertificateLifetime;
        return (now - ClockTolerance, end < _authority.NotAfter ? end : _authority.NotAfter);
    }

    private sealed record RecordFinished
    {
        public static readonly RecordFinished Instance = new();
    }

    /// <summary>A signature that is being made. Compared by identity: it is the tag of the work.</summary>
    private abstract class PendingWork;

    private sealed class PendingIssue(ActorRef asker, string? token, IssueOrder order) : PendingWork
    {
        public ActorRef Asker => asker;

        public string? Token => token;

        public IssueOrder Order => order;
    }

    private sealed class PendingRepeat(ActorRef asker, NodePrefix prefix) : PendingWork
    {
        public ActorRef Asker => asker;

        public NodePrefix Prefix => prefix;
    }

    private sealed class PendingRenewal(NodePrefix prefix, ulong oldSerial, ulong serial, DateTimeOffset notAfter) : PendingWork
    {
        public NodePrefix Prefix => prefix;

        public ulong OldSerial => oldSerial;

        public ulong Serial => serial;

        public DateTimeOffset NotAfter => notAfter;

        /// <summary>Everybody who asked while it was under way.</summary>
        public List<ActorRef> Askers { get; } = [];
    }
}
