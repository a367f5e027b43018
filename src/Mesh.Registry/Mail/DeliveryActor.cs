using Mesh.Actors;

namespace Mesh.Registry.Mail;

/// <summary>One token on its way: stored first, then mailed, and taken back where that fails.</summary>
/// <remarks>
/// <code>
/// Storing --TokenAccepted--> Sending --MailSent--> Done
///    |                          |--MailFailed, too late--> TakingBack --Done--> Broken
///    '--anything else--> that answer
/// </code>
/// The token is durable before anybody learns it. After a crash in between there is a token that nobody knows; it expires like every other.
/// The registry is waited for without limit: it answers, or it ends, and the desk bounds how many wait.
/// </remarks>
internal sealed class DeliveryActor(MailOptions options, IMailPort port, ActorRef registry, ActorRef desk, string email, ActorRef asker) : Actor
{
    private const int MaxDraws = 3;

    private int _draws;
    private string? _token;
    private Broken? _failure;
    private bool _isUnsent = true;
    private bool _isAnswered;

    /// <inheritdoc/>
    protected override void PreStart()
    {
        Context.Watch(registry);
        Draw();
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        if (!_isAnswered)
            asker.Tell(new Broken("the delivery of a token was stopped"));
    }

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case TokenAccepted accepted when _token is null:
                Send(accepted);
                break;
            case TokenExists when _token is null && _draws < MaxDraws:
                Draw();
                break;
            case TokenExists when _token is null:
                Answer(new Broken($"{MaxDraws} tokens were drawn, and all of them exist already"));
                break;
            case MailSent when IsSending:
                Answer(new Done());
                break;
            case MailFailed failed when IsSending:
                TakeBack($"the mail to {email} could not be sent: {failed.Reason}", isUnsent: true);
                break;
            case Overdue when IsSending:
                TakeBack($"the mail to {email} was not sent within {options.Timeout.TotalSeconds:0} s", isUnsent: false);
                break;
            case MailOutcome:
                Log.Warning($"an outcome of the mail to {email} came too late: {message.GetType().Name}");
                break;
            case Done when _failure is not null:
                Answer(_failure);
                break;
            case RegistryAnswer answer when _token is null:
                Answer(answer);
                break;
            case Terminated:
                _isUnsent &= !IsSending;
                Answer(_failure ?? new Broken("the registry has stopped"));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private bool IsSending => _token is not null && _failure is null;

    private void Draw()
    {
        _draws++;
        registry.Tell(new AddToken(email, Token: null));
    }

    private void Send(TokenAccepted accepted)
    {
        _token = accepted.Token;
        Context.Timers.StartSingle(Overdue.Instance, Overdue.Instance, options.Timeout);
        port.Send(new TokenMail(options.From, email, accepted.Token, accepted.Expires), Self);
    }

    private void TakeBack(string reason, bool isUnsent)
    {
        Log.Error($"{reason}; the token is taken back");
        (_failure, _isUnsent) = (new Broken(reason), isUnsent);
        registry.Tell(new DeleteToken(_token!));
    }

    private void Answer(RegistryAnswer answer)
    {
        _isAnswered = true;
        asker.Tell(answer);
        desk.Tell(new DeliveryEnded(answer, _isUnsent && answer is not Done));
        Context.Stop(Self);
    }

    private sealed record Overdue
    {
        public static readonly Overdue Instance = new();
    }
}
