using Mesh.Actors;
using Mesh.Registry.Events;

namespace Mesh.Registry;

// Tokens, and what goes when its time is over.
public sealed partial class RegistryActor
{
    private const int MaxTextLength = 256;
    private const int DrawnTokenLength = 8;
    private const int MaxUses = 1_000_000;

    private static readonly TimeSpan LongestTokenLifetime = TimeSpan.FromDays(3660);

    private DateTimeOffset _cleaningDue = DateTimeOffset.MaxValue;

    private Token? FindToken(string secret) =>
        _state.Tokens.TryGetValue(secret, out Token? token) && token.Expires > Context.UtcNow ? token : null;

    private void Add(AddToken add)
    {
        if (_options.PrefixLength == 0)
        {
            Sender.Tell(new RegistrationDisabled());
            return;
        }

        string secret = add.Token ?? DrawToken();
        int length = add.PrefixLength ?? _options.PrefixLength;
        TimeSpan lifetime = add.Lifetime ?? _options.GracePeriod;
        if (ProblemOf(add, secret, length, lifetime) is { } problem)
        {
            Sender.Tell(new Refused(IsMalformed: false, problem));
            return;
        }

        if (FindToken(secret) is not null || _reservedUses.ContainsKey(secret))
        {
            Sender.Tell(new TokenExists());
            return;
        }

        ActorRef asker = Sender;
        Record(new TokenAdded(secret, add.Email, length, add.Uses, Context.UtcNow + lifetime, add.Note), () =>
        {
            DateTimeOffset expires = _state.Tokens[secret].Expires;
            CleanAt(expires);
            asker.Tell(new TokenAccepted(secret, expires), Self);
        });
    }

    private void Delete(DeleteToken delete)
    {
        ActorRef asker = Sender;
        if (_state.Tokens.ContainsKey(delete.Token))
            Record(new TokenDeleted(delete.Token), () => asker.Tell(new Done(), Self));
        else
            asker.Tell(new Done());
    }

    private string? ProblemOf(AddToken add, string secret, int length, TimeSpan lifetime)
    {
        if (secret.Length is 0 or > MaxTextLength || secret.Any(char.IsControl))
            return $"a token has 1 to {MaxTextLength} characters and no control characters";
        if (add.Email.Length > MaxTextLength || add.Email.Any(char.IsControl))
            return $"an e-mail address has at most {MaxTextLength} characters and no control characters";
        if (add.Note is { Length: > MaxTextLength })
            return $"a note has at most {MaxTextLength} characters";
        if (length < 1 || length > _authority.Network.HostBits)
            return $"prefix length {length} does not exist in {_authority.Network}; it has to be 1 to {_authority.Network.HostBits}";
        if (add.Uses is < 1 or > MaxUses)
            return $"a token gives 1 to {MaxUses} certificates, not {add.Uses}";
        if (lifetime <= TimeSpan.Zero || lifetime > LongestTokenLifetime)
            return $"a token is good for more than nothing and at most {LongestTokenLifetime.TotalDays:0} days, not {lifetime}";
        return null;
    }

    private string DrawToken()
    {
        const int Letters = 26;
        const int Bound = 256 / Letters * Letters;   // octets above it would favour the first letters
        Span<char> text = stackalloc char[DrawnTokenLength];
        for (int count = 0; count < text.Length;)
        {
            foreach (byte octet in _authority.RandomBytes(DrawnTokenLength))
            {
                if (octet < Bound && count < text.Length)
                    text[count++] = (char)('a' + (octet % Letters));
            }
        }

        return text.ToString();
    }

    // Whoever is shut out does not come back, so nothing is kept for it longer than others might still trust its certificate.
    private DateTimeOffset FreedAt(RegisteredNode certificate) =>
        certificate.IsExcluded ? certificate.NotAfter
        : certificate.NotAfter < DateTimeOffset.MaxValue - _options.GracePeriod ? certificate.NotAfter + _options.GracePeriod
        : DateTimeOffset.MaxValue;

    // Not while a use of the token or a renewal of the certificate is being signed; and never the registry's own node, without which no network is left.
    private void Clean()
    {
        _cleaningDue = DateTimeOffset.MaxValue;
        DateTimeOffset now = Context.UtcNow;
        List<string> tokens = [.. _state.Tokens.Where(t => t.Value.Expires <= now && !_reservedUses.ContainsKey(t.Key)).Select(static t => t.Key)];
        List<RegisteredNode> certificates = [.. _state.Certificates.Values.Where(c => FreedAt(c) <= now && c.Prefix != _state.RegistryPrefix && !_renewals.ContainsKey(c.Prefix))];
        tokens.AddRange(_state.SpentTokens.Where(t => t.Value.Expires <= now).Select(static t => t.Key));
        if (_state.RegistryPrefix is { } own && _state.CertificateOf(own) is { } ownCertificate && FreedAt(ownCertificate) <= now)
            Log.Error($"the certificate of the registry's own node {own} expired at {ownCertificate.NotAfter:u} and its grace period is over; it is kept, but the node has to renew it");
        if (tokens.Count == 0 && certificates.Count == 0)
        {
            CleanAgain();
            return;
        }

        Record(new Cleaned(tokens, [.. certificates.Select(static c => c.Prefix.Bits)]), () =>
        {
            Log.Info($"cleaned {tokens.Count} expired tokens and {certificates.Count} prefixes whose time is over");
            foreach (RegisteredNode certificate in certificates)
                Context.System.EventStream.Publish(new PrefixFreed(certificate.Prefix));
            CleanAgain();
        });
    }

    private void CleanAgain()
    {
        DateTimeOffset next = DateTimeOffset.MaxValue;
        foreach (Token token in _state.Tokens.Values)
            next = token.Expires < next ? token.Expires : next;
        foreach (SpentToken token in _state.SpentTokens.Values)
            next = token.Expires < next ? token.Expires : next;
        foreach (RegisteredNode certificate in _state.Certificates.Values)
            next = FreedAt(certificate) < next && certificate.Prefix != _state.RegistryPrefix ? FreedAt(certificate) : next;
        if (next != DateTimeOffset.MaxValue)
            CleanAt(next);
    }

    private void CleanAt(DateTimeOffset due)
    {
        if (due >= _cleaningDue)
            return;
        _cleaningDue = due;
        Context.Timers.StartSingle(CleaningDue.Instance, CleaningDue.Instance, WallClock.SleepUntil(due, Context.UtcNow));
    }

    private sealed record CleaningDue
    {
        public static readonly CleaningDue Instance = new();
    }
}
