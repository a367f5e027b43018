using Mesh.Actors;
using Mesh.Node.RegistryClient;
using Mesh.Protocol.Registry;
using Mesh.Security;

namespace Mesh.Node.Certificates;

/// <content>
/// When the registry is asked, and what becomes of its answers. Nothing is asked before it is due, and thousands of nodes that were made on one day do not ask in one minute: the first question
/// comes at a random time of the first day. A registry that does not answer is asked again after a minute, then less and less often up to once a day, and no less often than in a tenth of the
/// time that is left (<see cref="RenewalTimes.LongestDelay"/>).
/// </content>
public sealed partial class CertificateActor
{
    private static readonly TimeSpan LongestSleep = TimeSpan.FromHours(1);   // the wall clock may be set meanwhile
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);   // a date is past a moment after it has come
    private static readonly TimeSpan SoonSpread = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromMinutes(10);   // the registry client answers long before; this is for an answer that is lost
    private static readonly TimeSpan LongestExpiredDelay = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestListedDelay = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LongestHintPause = TimeSpan.FromMinutes(10);

    private readonly GrowingDelay _certificateDelay = new(RenewalTimes.MinDelay);
    private readonly GrowingDelay _authorityDelay = new(RenewalTimes.MinDelay);
    private readonly GrowingDelay _hintPause = new(TimeSpan.FromSeconds(30));
    private TimeSpan? _certificateAt;   // when the registry is asked next; null while nothing is to be asked, or it is being asked
    private TimeSpan? _authorityAt;
    private TimeSpan _hintAgainAt;
    private Exchange? _exchange;

    private enum Asked
    {
        Certificate,
        Notice,
        Authority,
        Store,
    }

    private TimeSpan Soon() => Context.Now + Context.Random.NextTimeSpan(TimeSpan.Zero, SoonSpread);

    private bool IsOurs(object tag) => _exchange is not null && ReferenceEquals(tag, _exchange);

    private void AskWhatIsDue()
    {
        if (_exchange is not null)
            return;
        if (_certificateAt <= Context.Now)
        {
            _certificateAt = null;
            _client.Tell(new CallRegistry(Begin(Asked.Certificate), RegistryMethod.RenewCertificate, []));
        }
        else if (_authorityAt <= Context.Now)
        {
            _authorityAt = null;
            _client.Tell(new CallRegistry(Begin(Asked.Authority), RegistryMethod.GetCa, []) { IsPublic = true });
        }
    }

    private Exchange Begin(Asked asked, NodeIdentity? offered = null, string reason = "")
    {
        _exchange = new Exchange(asked, Data.IsRevoked, offered, reason);
        Context.Timers.StartSingle(nameof(Overdue), new Overdue(_exchange), AnswerTimeout);
        return _exchange;
    }

    private Exchange End()
    {
        Exchange ended = _exchange!;
        _exchange = null;
        Context.Timers.Cancel(nameof(Overdue));
        return ended;
    }

    private FsmStep<CertificateState, CertificateKnowledge> OnHint(string what)
    {
        // While it is revoked or has ended, the registry is asked anyway, and nobody has to say so.
        if (State is CertificateState.Revoked or CertificateState.Expired)
            return Stay();
        if (Context.Now < _hintAgainAt)
        {
            IgnoredHintCount++;
            return Stay();
        }

        Log.Info($"{what}; the registry is asked whether the certificate is still good");
        _hintAgainAt = Context.Now + _hintPause.Next(LongestHintPause, Context.Random);
        _certificateAt = Context.Now;
        return Settle(Data);
    }

    private FsmStep<CertificateState, CertificateKnowledge> OnAnswer(ReadOnlyMemory<byte> body)
    {
        Exchange exchange = End();
        return exchange.Asked switch
        {
            Asked.Certificate => OnOffer(RenewalOffer.OfCertificate(Data, body.Span, Context.UtcNow), exchange),
            Asked.Authority => OnOffer(RenewalOffer.OfAuthority(Data, body.Span, Context.UtcNow), exchange),
            _ => OnNotice(body.Span, exchange),
        };
    }

    private FsmStep<CertificateState, CertificateKnowledge> OnOffer(RenewalOffer offer, Exchange exchange)
    {
        switch (offer)
        {
            case RenewalOffer.Fresh fresh:
                _credentials.Store(Begin(Asked.Store, fresh.Identity), fresh.Identity, Self);
                return Settle(Data);
            case RenewalOffer.Unusable unusable:
                RefusedCount++;
                return Fail(exchange.Asked, unusable.Reason, Data);
            case RenewalOffer.Unchanged when exchange.Asked == Asked.Authority:
                _authorityDelay.Reset();
                _authorityAt = Context.Now + GrowingDelay.Spread(LongestDelayOf(Asked.Authority, Data), Context.Random);
                return Settle(Data with { AuthorityProblem = $"the authority's certificate ends at {Data.Identity.Verifier.Authority.NotAfter:u}, and the registry has no other yet" });
            default:
                return OnUnchanged(exchange);
        }
    }

    // The registry has proven who it is, and it holds our certificate. So a notice is out of date; but a list is what our peers go by.
    private FsmStep<CertificateState, CertificateKnowledge> OnUnchanged(Exchange exchange)
    {
        CertificateKnowledge known = Data with { IsNoticed = false, Problem = null };
        if (known.IsRevoked && exchange.KnewRevoked)
            return Fail(Asked.Certificate, "the registry gives the revoked certificate again", known with { IsRefused = true });
        known = known with { IsRefused = false };
        _certificateDelay.Reset();
        // A list or a hint that came while the answer was on its way has planned the next question already.
        if (known.StateAt(Context.UtcNow) != CertificateState.Valid)
            _certificateAt ??= Context.Now + GrowingDelay.Spread(LongestDelayOf(Asked.Certificate, known), Context.Random);
        return Settle(known);
    }

    private FsmStep<CertificateState, CertificateKnowledge> OnFailure(RegistryUnreachable failed)
    {
        Exchange exchange = End();
        switch (exchange.Asked)
        {
            case Asked.Certificate when failed.IsDisowned && Data.IsRevoked:
                return Fail(Asked.Certificate, failed.Reason, Data with { IsRefused = true });
            case Asked.Certificate when failed.IsDisowned:
                // Anybody on the way could have said so.
                string serial = Data.Identity.Certificate.SerialNumber.ToString(System.Globalization.CultureInfo.InvariantCulture);
                _client.Tell(new CallRegistry(Begin(Asked.Notice, reason: failed.Reason), RegistryMethod.GetRevocation, [(RegistryMethod.SerialArgument, serial)]) { IsPublic = true });
                return Settle(Data);
            case Asked.Notice:
                return Fail(Asked.Certificate, $"{exchange.Reason}; nothing proves it", Data);
            case Asked.Store:
                return OnNotStored(failed.Reason, exchange);
            default:
                return Fail(exchange.Asked, failed.Reason, Data);
        }
    }

    private FsmStep<CertificateState, CertificateKnowledge> OnNotice(ReadOnlySpan<byte> notice, Exchange exchange)
    {
        if (Mutation == NodeMutation.AcceptRevoked || !RevocationNotice.IsValid(notice, Data.Identity.Certificate.SerialNumber, Data.Identity.Verifier.Authority))
        {
            RefusedCount += notice.IsEmpty ? 0 : 1;
            return Fail(Asked.Certificate, $"{exchange.Reason}; nothing proves it", Data);
        }

        _certificateDelay.Reset();
        return Fail(Asked.Certificate, $"{exchange.Reason}; the authority has signed that it is revoked", Data with { IsNoticed = true, IsRefused = true });
    }

    private FsmStep<CertificateState, CertificateKnowledge> OnStored()
    {
        NodeIdentity identity = End().Offered!;
        bool isOther = identity.Certificate.SerialNumber != Data.Identity.Certificate.SerialNumber;
        Context.Note(identity.Certificate.SerialNumber);
        if (isOther)
        {
            _certificateAt = null;
            _certificateDelay.Reset();
            _hintPause.Reset();
            _hintAgainAt = TimeSpan.Zero;
            Log.Info($"this node has a new certificate {identity.Certificate.SerialNumber}, valid until {identity.Certificate.NotAfter:u}");
        }
        else
        {
            _authorityDelay.Reset();
            Log.Info($"the authority has a new certificate, valid until {identity.Verifier.Authority.NotAfter:u}");
        }

        Context.System.EventStream.Publish(new IdentityChanged(identity));
        return Settle(isOther
            ? Data with { Identity = identity, Problem = null, IsNoticed = false, IsRefused = false }
            : Data with { Identity = identity, AuthorityProblem = null });
    }

    private FsmStep<CertificateState, CertificateKnowledge> OnNotStored(string reason) => OnNotStored(reason, End());

    private FsmStep<CertificateState, CertificateKnowledge> OnNotStored(string reason, Exchange exchange)
    {
        // The registry gives it again.
        Asked asked = exchange.Offered!.Certificate.SerialNumber == Data.Identity.Certificate.SerialNumber ? Asked.Authority : Asked.Certificate;
        return Fail(asked, $"the new certificate cannot be stored: {reason}", Data);
    }

    private FsmStep<CertificateState, CertificateKnowledge> Fail(Asked asked, string problem, CertificateKnowledge known)
    {
        GrowingDelay delays = asked == Asked.Authority ? _authorityDelay : _certificateDelay;
        TimeSpan delay = delays.Next(LongestDelayOf(asked, known), Context.Random);
        if (asked == Asked.Authority)
            _authorityAt = Context.Now + delay;
        else
            _certificateAt = Context.Now + delay;
        Log.Warning($"{(asked == Asked.Authority ? "certificate of the authority" : "certificate of this node")}: {problem}; next attempt in {delay.TotalMinutes:0} min");
        return Settle(asked == Asked.Authority ? known with { AuthorityProblem = problem } : known with { Problem = problem });
    }

    private TimeSpan LongestDelayOf(Asked asked, CertificateKnowledge known)
    {
        DateTimeOffset now = Context.UtcNow;
        if (asked == Asked.Authority)
            return RenewalTimes.LongestDelay(known.Identity.Verifier.Authority.NotAfter, now);
        return known.StateAt(now) switch
        {
            CertificateState.Revoked => RenewalTimes.MaxDelay,
            CertificateState.Expired => LongestExpiredDelay,
            CertificateState.Renewing when known.IsRevoked => LongestListedDelay,
            _ => RenewalTimes.LongestDelay(known.Identity.Certificate.NotAfter, now),
        };
    }

    /// <summary>Plans the first question about what has become due, and wakes at the next time at which anything may change.</summary>
    /// <param name="state">The state.</param>
    /// <param name="known">What is known.</param>
    /// <param name="spread">Within which time the first question is asked; null where it may take a while.</param>
    private void Plan(CertificateState state, CertificateKnowledge known, TimeSpan? spread)
    {
        DateTimeOffset now = Context.UtcNow, end = known.Identity.Certificate.NotAfter, authorityEnd = known.Identity.Verifier.Authority.NotAfter;
        DateTimeOffset renewal = RenewalTimes.OfNode(known.Identity.Certificate), authorityRenewal = RenewalTimes.OfAuthority(known.Identity.Verifier.Authority);
        if (_exchange is null && _certificateAt is null && (state != CertificateState.Valid || known.Problem is not null))
            _certificateAt = Context.Now + Context.Random.NextTimeSpan(TimeSpan.Zero, spread ?? (known.IsRevoked || now > end ? SoonSpread : RenewalTimes.LongestDelay(end, now)));
        if (_exchange is null && _authorityAt is null && now >= authorityRenewal)
            _authorityAt = Context.Now + Context.Random.NextTimeSpan(TimeSpan.Zero, spread ?? (now > authorityEnd ? SoonSpread : RenewalTimes.LongestDelay(authorityEnd, now)));
        // It may be more urgent by now than when it was planned.
        _certificateAt = NotLater(_certificateAt, LongestDelayOf(Asked.Certificate, known));
        _authorityAt = NotLater(_authorityAt, LongestDelayOf(Asked.Authority, known));

        TimeSpan sleep = LongestSleep;
        foreach (DateTimeOffset date in (ReadOnlySpan<DateTimeOffset>)[end, authorityEnd, renewal, authorityRenewal])
            sleep = Sooner(sleep, date >= now ? date - now + Moment : null);
        if (_exchange is null)
            sleep = Sooner(Sooner(sleep, _certificateAt - Context.Now), _authorityAt - Context.Now);
        Context.Timers.StartSingle(Due.Instance, Due.Instance, sleep);
    }

    private TimeSpan? NotLater(TimeSpan? planned, TimeSpan longest) =>
        planned is { } time && time - Context.Now > longest * GrowingDelay.MaxSpread ? Context.Now + GrowingDelay.Spread(longest, Context.Random) : planned;

    private static TimeSpan Sooner(TimeSpan one, TimeSpan? other) => other is not { } time || time >= one ? one : time < TimeSpan.Zero ? TimeSpan.Zero : time;

    /// <summary>Something that was asked for. Compared by identity: no answer to an earlier question, or to an earlier life of this actor, can be taken for the present one's.</summary>
    private sealed class Exchange(Asked asked, bool knewRevoked, NodeIdentity? offered, string reason)
    {
        public Asked Asked => asked;

        /// <summary>It was known to be revoked when it was asked for another.</summary>
        public bool KnewRevoked => knewRevoked;

        /// <summary>What is being stored.</summary>
        public NodeIdentity? Offered => offered;

        /// <summary>Why a notice is asked for.</summary>
        public string Reason => reason;
    }

    private sealed record Overdue(Exchange Exchange);
}
