using Mesh.Actors;

namespace Mesh.Registry.Mail;

/// <summary>Where strangers get tokens by mail: takes <see cref="RequestToken"/>s and makes a <see cref="DeliveryActor"/> for each.</summary>
/// <remarks>
/// Everybody may ask, so it is bounded in each way: requests under way, mails to one address, and the memory for that. Large and small letters are the same here, for most
/// mail servers do not tell them apart. Which address asks from where is for the front door to limit.
/// </remarks>
public sealed class MailActor : Actor
{
    private static readonly TimeSpan OverloadRetry = TimeSpan.FromSeconds(5);

    private readonly MailOptions _options;
    private readonly IMailPort _port;
    private readonly ActorRef _registry;
    private readonly Dictionary<ActorRef, string> _underWay = [];
    private readonly Dictionary<string, LinkedListNode<Mailed>> _mailed = new(StringComparer.OrdinalIgnoreCase);
    private readonly LinkedList<Mailed> _oldestFirst = new();
    private long _sent, _failed, _malformed, _recent, _overloaded, _disabled;

    /// <summary>Makes the actor.</summary>
    /// <param name="options">Valid settings, see <see cref="MailOptions.Validate"/>.</param>
    /// <param name="port">What sends.</param>
    /// <param name="registry">The <see cref="RegistryActor"/>, which stores the tokens.</param>
    public MailActor(MailOptions options, IMailPort port, ActorRef registry)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(port);
        ArgumentNullException.ThrowIfNull(registry);
        if (options.Validate().ToList() is { Count: > 0 } problems)
            throw new ArgumentException(string.Join("; ", problems), nameof(options));
        (_options, _port, _registry) = (options, port, registry);
    }

    /// <inheritdoc/>
    /// <remarks>A delivery that fails is over; it answers by itself when it stops.</remarks>
    protected override SupervisorStrategy SupervisorStrategy => SupervisorStrategy.Stopping;

    /// <inheritdoc/>
    protected override void Receive(object message)
    {
        switch (message)
        {
            case RequestToken request:
                Request(request.Email);
                break;
            case DeliveryEnded ended:
                Count(ended);
                break;
            case Terminated terminated:
                if (_underWay.Remove(terminated.Actor))
                    _failed++;   // it failed without an end of its own; the address stays remembered, for nobody knows how far it came
                break;
            case GetMailStatistics:
                Sender.Tell(new MailStatistics(_sent, _failed, _malformed, _recent, _overloaded, _disabled, _underWay.Count, _mailed.Count));
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Request(string email)
    {
        Forget();
        if (MailAddress.ProblemOf(email) is { } problem)
        {
            _malformed++;
            Sender.Tell(new Refused(IsMalformed: false, problem));
        }
        else if (_mailed.TryGetValue(email, out LinkedListNode<Mailed>? before))
        {
            _recent++;
            Sender.Tell(new RecentlyMailed(TimeSpan.FromSeconds(Math.Ceiling((before.Value.Until - Context.Now).TotalSeconds))));
        }
        else if (_underWay.Count >= _options.MaxUnderWay || _mailed.Count >= _options.MaxRemembered)
        {
            _overloaded++;
            Sender.Tell(new Overloaded(OverloadRetry));
        }
        else
        {
            _mailed.Add(email, _oldestFirst.AddLast(new Mailed(email, Context.Now + _options.Interval)));
            ActorRef asker = Sender, desk = Self;
            ActorRef delivery = Context.ActorOf(Props.Create(() => new DeliveryActor(_options, _port, _registry, desk, email, asker)));
            Context.Watch(delivery);
            _underWay.Add(delivery, email);
        }
    }

    private void Count(DeliveryEnded ended)
    {
        switch (ended.Answer)
        {
            case Done:
                _sent++;
                break;
            case RegistrationDisabled:
                _disabled++;
                break;
            case Overloaded:
                _overloaded++;
                break;
            default:
                _failed++;
                break;
        }

        // Nobody was sent anything, so who asked may try again.
        if (_underWay.Remove(Sender, out string? email) && ended.IsUnsent && _mailed.Remove(email, out LinkedListNode<Mailed>? mailed))
            _oldestFirst.Remove(mailed);
    }

    private void Forget()
    {
        while (_oldestFirst.First is { } oldest && oldest.Value.Until <= Context.Now)
        {
            _ = _mailed.Remove(oldest.Value.Email);
            _oldestFirst.RemoveFirst();
        }
    }

    /// <summary>An address that gets no second mail until then, loop time.</summary>
    private sealed record Mailed(string Email, TimeSpan Until);
}

/// <summary>A delivery tells its desk that it is over.</summary>
/// <param name="Answer">What the asker was answered.</param>
/// <param name="IsUnsent">The mail was certainly not sent.</param>
internal sealed record DeliveryEnded(RegistryAnswer Answer, bool IsUnsent);
