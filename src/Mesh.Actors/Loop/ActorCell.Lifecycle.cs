using Mesh.Actors.Persistence;

namespace Mesh.Actors.Loop;

/// <content>How a cell ends, and who is told.</content>
internal sealed partial class ActorCell
{
    public void Watch(ActorRef actor)
    {
        if (actor is not ActorCell cell)
        {
            Tell(new Terminated(actor), actor);   // dead letters and the like never live
            return;
        }

        if (_state == CellState.Stopped)
            return;
        List<ActorCell> watching = Extras.Watching ??= [];
        if (watching.Contains(cell))
            return;
        watching.Add(cell);
        if (cell.Loop == Loop)
            cell.AddWatcher(this);
        else
            Loop.TellOther(cell, new WatchMessage(this, on: true), SystemMessage.Mark);
    }

    public void Unwatch(ActorRef actor)
    {
        if (actor is ActorCell cell && _extras?.Watching is { } watching && watching.Remove(cell))
            Unregister(cell);
    }

    public void AddWatcher(ActorCell watcher)
    {
        if (_state == CellState.Stopped)
            Notify(watcher);
        else
            (Extras.Watchers ??= []).Add(watcher);
    }

    public void RemoveWatcher(ActorCell watcher) => _extras?.Watchers?.Remove(watcher);

    /// <summary>A watched actor has ended. Whoever has taken the watch back meanwhile is not bothered.</summary>
    public void ReceiveTerminated(ActorCell actor)
    {
        if (_extras?.Watching is { } watching && watching.Remove(actor))
            Loop.DeliverNow(this, new Terminated(actor), actor);
    }

    /// <summary>Asks for the cell's end: children first; at once, or after the message or the commit that is under way.</summary>
    public void StopSelf()
    {
        if (_state is CellState.Stopped or CellState.Stopping)
            return;
        _state = CellState.Stopping;
        StopChildren();
        FinishStopping();
    }

    public void StopChildren()
    {
        if (_extras?.FirstChild is null)
            return;
        foreach (ActorRef child in Children)
            ((ActorCell)child).StopSelf();
    }

    /// <summary>Ends a stopping cell if nothing holds it up. Called again whenever something that did has gone.</summary>
    public void FinishStopping()
    {
        // What was persisted is acknowledged first.
        if (_state != CellState.Stopping || _extras?.FirstChild is not null || Actor is PersistentActor { IsCommitting: true })
            return;
        if (Loop.Running == this)
            Loop.Resume(this);   // its handler is still on the stack: as soon as that has returned
        else
            Terminate();
    }

    private void Terminate()
    {
        _state = CellState.Stopped;
        CancelTimers();
        ActorCell? outer = Loop.RunAs(this);
        try
        {
            Actor?.PostStop();
        }
        catch (Exception e)
        {
            Log.Error($"PostStop failed: {e.Message}", e);
        }
        finally
        {
            Loop.RunAs(outer);
        }

        Actor = null;
        if (_extras is not null)
        {
            foreach (ActorCell watcher in _extras.Watchers ?? [])
                Notify(watcher);
            foreach (ActorCell watched in _extras.Watching ?? [])
                Unregister(watched);
            DropWaiting();
            _extras = null;
        }

        _parent?.RemoveChild(this);
    }

    private void Notify(ActorCell watcher)
    {
        var message = new TerminatedMessage(this);
        if (watcher.Loop == Loop)
            Loop.TellSystem(watcher, message);
        else
            Loop.TellOther(watcher, message, SystemMessage.Mark);
    }

    private void Unregister(ActorCell watched)
    {
        if (watched.Loop == Loop)
            watched.RemoveWatcher(this);
        else
            Loop.TellOther(watched, new WatchMessage(this, on: false), SystemMessage.Mark);
    }

    private void DropWaiting()
    {
        while (_extras!.Stash is { } stash && stash.TryDequeue(out Envelope stashed))
            Loop.System.OnDeadLetter(stashed.Message, stashed.Sender, this);
        while (_extras.Waiting is { } waiting && waiting.TryDequeue(out Envelope envelope))
        {
            if (envelope.Sender != SystemMessage.Mark)
                Loop.System.OnDeadLetter(envelope.Message, envelope.Sender, this);
        }
    }

    private void RemoveChild(ActorCell child)
    {
        CellExtras extras = _extras!;
        if (child._previousSibling is null)
            extras.FirstChild = child._nextSibling;
        else
            child._previousSibling._nextSibling = child._nextSibling;
        if (child._nextSibling is null)
            extras.LastChild = child._previousSibling;
        else
            child._nextSibling._previousSibling = child._previousSibling;
        child._nextSibling = child._previousSibling = null;
        if (child._name is not null)
            extras.NamedChildren?.Remove(child._name);
        if (extras.WaitingRestart is { } reason && !HasStoppingChild())
        {
            extras.WaitingRestart = null;
            Loop.TellSystem(this, new RestartMessage(reason));
        }

        FinishStopping();
    }

    // A new instance may want to give its children the names of the old one's, so it waits until those are gone.
    private bool WaitsForChildren(Exception? restartReason)
    {
        if (restartReason is null || !HasStoppingChild())
            return false;
        Extras.WaitingRestart = restartReason;
        return true;
    }

    private bool HasStoppingChild()
    {
        ActorCell? child = _extras?.FirstChild;
        while (child is not null && child._state != CellState.Stopping)
            child = child._nextSibling;
        return child is not null;
    }
}
