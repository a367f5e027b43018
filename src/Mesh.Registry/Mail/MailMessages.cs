using Mesh.Actors;

namespace Mesh.Registry.Mail;

/// <summary>Sends mails: through a mail server, or into a file.</summary>
public interface IMailPort
{
    /// <summary>Queues a mail. One <see cref="MailOutcome"/> arrives at <paramref name="replyTo"/>, at once where the queue is full.</summary>
    void Send(TokenMail mail, ActorRef replyTo);
}

/// <summary>A mail with a token.</summary>
/// <param name="From">Whose registry it is.</param>
/// <param name="To">Who asked.</param>
/// <param name="Token">The secret.</param>
/// <param name="Expires">When it stops to be good.</param>
public sealed record TokenMail(string From, string To, string Token, DateTimeOffset Expires)
{
    /// <summary>The subject. Scripts of re6st's operators sort by it.</summary>
    public const string Subject = "[re6stnet] Token Request";

    /// <summary>The text: ASCII, lines of less than 80 characters that end with LF. One line ends with a colon, a space and the token, which programs look for.</summary>
    public string Body =>
        $"""
        Hello,

        somebody, probably you, asked to join the network with this address.

        Your token: {Token}

        Give it to the program that sets up your node. It is good until
        {Expires.UtcDateTime:yyyy-MM-dd HH:mm} UTC, for one node. Do not pass it on,
        for whoever has it can join.

        If it was not you, there is nothing to do, for the token expires by itself.

        """;

    /// <summary>For whom, and not the token.</summary>
    public override string ToString() => $"mail with a token to {To}";
}

/// <summary>What became of a mail.</summary>
public abstract record MailOutcome
{
    private protected MailOutcome()
    {
    }
}

/// <summary>The mail server has it, or it is in the file and on the disk.</summary>
public sealed record MailSent : MailOutcome;

/// <summary>It was not sent.</summary>
/// <param name="Reason">A sentence for the operator's log, without secrets and control characters.</param>
public sealed record MailFailed(string Reason) : MailOutcome;

/// <summary>
/// Somebody asks the <see cref="MailActor"/> for a token by mail. Answer: <see cref="Done"/>, <see cref="Refused"/> (that is no address), <see cref="RecentlyMailed"/>,
/// <see cref="RegistrationDisabled"/>, <see cref="Overloaded"/> or <see cref="Broken"/>.
/// </summary>
/// <param name="Email">Where to, as a stranger wrote it.</param>
public sealed record RequestToken(string Email);

/// <summary>That address was sent a mail a short while ago. Nothing was changed.</summary>
/// <param name="RetryAfter">When to try again; whole seconds.</param>
public sealed record RecentlyMailed(TimeSpan RetryAfter) : RegistryAnswer;

/// <summary>Ask the <see cref="MailActor"/> for numbers. Answer: <see cref="MailStatistics"/>.</summary>
public sealed record GetMailStatistics;

/// <summary>Numbers of the <see cref="MailActor"/> since it started.</summary>
/// <param name="Sent">Mails that were sent.</param>
/// <param name="Failed">Requests that ended with a fault of ours or of the mail server.</param>
/// <param name="Malformed">Requests with something that is no address.</param>
/// <param name="Recent">Requests for an address that was sent a mail a short while ago.</param>
/// <param name="Overloaded">Requests that were too many.</param>
/// <param name="Disabled">Requests that the registry's settings refuse.</param>
/// <param name="UnderWay">Requests under way.</param>
/// <param name="Remembered">Addresses that get no mail for a while.</param>
public sealed record MailStatistics(long Sent, long Failed, long Malformed, long Recent, long Overloaded, long Disabled, int UnderWay, int Remembered);
