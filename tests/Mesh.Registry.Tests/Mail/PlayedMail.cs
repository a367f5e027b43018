using Mesh.Actors;
using Mesh.Registry.Mail;

namespace Mesh.Registry.Tests.Mail;

/// <summary>A mail port that a test answers for.</summary>
internal sealed class PlayedMail : IMailPort
{
    private readonly Queue<(TokenMail Mail, ActorRef ReplyTo)> _waiting = new();

    /// <summary>Every mail that was handed over.</summary>
    public List<TokenMail> Mails { get; } = [];

    public void Send(TokenMail mail, ActorRef replyTo)
    {
        Mails.Add(mail);
        _waiting.Enqueue((mail, replyTo));
    }

    /// <summary>The outcome of the oldest mail that has none.</summary>
    public TokenMail Settle(RegistryWorld world, MailOutcome outcome)
    {
        (TokenMail mail, ActorRef replyTo) = _waiting.Dequeue();
        replyTo.Tell(outcome);
        world.Kit.Settle();
        return mail;
    }
}
